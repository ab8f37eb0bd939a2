#include <array>
#include <span>
#include <string_view>

#include "base/error.h"
#include "eval/tasks/cells.h"
#include "eval/tasks/needle.h"
#include "eval/tasks/words.h"

namespace tome::eval {
namespace {

struct Pattern {
  std::string_view text, question;
};

constexpr std::array<Pattern, 6> kLiteral = {{
    {"{key} keeps the spare lantern in cupboard {value}.", "In which cupboard does {key} keep the spare lantern?"},
    {"The luggage of {key} bears the tag {value}.", "Which tag does the luggage of {key} bear?"},
    {"{key} of {town} pays a yearly rent of {value} crowns.", "What yearly rent in crowns does {key} of {town} pay?"},
    {"The rowing club gave {key} the membership number {value}.",
     "Which membership number did the rowing club give {key}?"},
    {"At the fair in {town} ticket {value} was drawn for {key}.",
     "Which ticket was drawn for {key} at the fair in {town}?"},
    {"The notebook of {key} ends with the code {value}.", "With which code does the notebook of {key} end?"},
}};

constexpr std::array<Pattern, 16> kParaphrased = {{
    {"The physician dials {value} to unlock her safe.", "Which combination opens a doctor's strongbox?"},
    {"The library owns {value} atlases.", "How many books of maps does a reading hall possess?"},
    {"Our baker fires his oven with {value} logs a week.",
     "How many pieces of wood does somebody who makes bread burn in seven days?"},
    {"The train to the capital departs from platform {value}.",
     "At which track does one board a railway service for a country's chief city?"},
    {"The widow sold her violin for {value} crowns.", "What price did a bereaved wife's fiddle fetch?"},
    {"The observatory lies {value} feet above the valley.", "How high up do astronomers work?"},
    {"The gardener planted {value} tulips along the drive.",
     "How many flower bulbs were put into soil beside a carriageway?"},
    {"Her attorney charged {value} guineas for drafting the will.",
     "What fee did a lawyer ask to write somebody's testament?"},
    {"The postman cycles {value} miles between Easter and Christmas.",
     "How far does whoever brings letters ride from spring to winter?"},
    {"The monastery rings its bell {value} times a year.", "How often does an abbey toll in twelve months?"},
    {"The prisoner in the tower wears the number {value}.", "Which figure marks clothing of a jailed man?"},
    {"The beekeeper bottled {value} jars of honey.", "How many glasses did a man with hives fill?"},
    {"Grandfather's telegram bears the code {value}.", "What cipher stands on an old relative's wire message?"},
    {"The brewery ferments its ale in vat {value}.", "In which tank does beer ripen?"},
    {"The auditor discovered {value} coins beneath the floorboards.",
     "How much loose change did an accountant find under wooden planks?"},
    {"The circus elephant weighs {value} pounds.", "How heavy is a trunked animal that performs under canvas?"},
}};

// What training sees: no fact, key or question of the measured ones.
constexpr std::array<Pattern, 6> kTrainingLiteral = {{
    {"The crate {key} was closed with seal {value}.", "Which seal was the crate {key} closed with?"},
    {"Parcel {key} weighs {value} grams.", "How many grams does parcel {key} weigh?"},
    {"The ship {key} left {town} with {value} sacks of rye.",
     "With how many sacks of rye did the ship {key} leave {town}?"},
    {"The plan {key} is filed as number {value}.", "As which number is the plan {key} filed?"},
    {"In the ledger of {town} the account {key} stands at {value}.",
     "At what does the account {key} stand in the ledger of {town}?"},
    {"Bell {key} was cast in the year of {value} thunderstorms.",
     "How many thunderstorms had the year in which bell {key} was cast?"},
}};

constexpr std::array<Pattern, 12> kTrainingParaphrased = {{
    {"The miller grinds {value} bushels before dawn.", "How much grain is turned into flour by morning?"},
    {"The lighthouse has {value} steps.", "How many stairs lead up to a lamp that warns vessels?"},
    {"Her cousin paid {value} pesos for the donkey.", "What did a relative's pack animal cost?"},
    {"The theatre seats {value} spectators.", "How large an audience may watch a play?"},
    {"The shepherd counted {value} ewes by the brook.", "How big is a flock beside running water?"},
    {"The tailor stitched {value} buttons onto uniforms.", "How many fasteners did somebody with a needle sew on?"},
    {"The glacier retreats {value} inches each century.", "How far does ice shrink in a hundred years?"},
    {"The spy's suitcase opens with {value}.", "Which digits unlock a secret agent's luggage?"},
    {"The hotel burned {value} candles at Michaelmas.", "How many sources of light did an inn use up in autumn?"},
    {"The surgeon earned {value} francs in the war.", "What was somebody with a scalpel paid while armies fought?"},
    {"The cathedral organ has {value} pipes.", "How many tubes does a church's keyed instrument blow?"},
    {"The submarine dived {value} fathoms.", "How deep did a boat go below the waves?"},
}};

std::span<const Pattern> literal_patterns(KeyShare share) {
  return share == KeyShare::kTraining ? std::span<const Pattern>(kTrainingLiteral) : kLiteral;
}

std::span<const Pattern> paraphrased_patterns(KeyShare share) {
  return share == KeyShare::kTraining ? std::span<const Pattern>(kTrainingParaphrased) : kParaphrased;
}

}  // namespace

Fact Facts::literal() {
  const std::span<const Pattern> patterns = literal_patterns(share_);
  const Pattern& pattern = patterns[static_cast<std::size_t>(choices_.below(patterns.size()))];
  Fact fact;
  fact.key = keys_.next([&] {
    if (share_ == KeyShare::kTraining) return random_key(choices_, share_);
    return choices_.one_of(given_names()) + " " + choices_.one_of(family_names());
  });
  fact.value = values_.next([&] { return random_number(choices_, 5); });
  const std::string town = choices_.one_of(towns());
  fact.text = fill_in(pattern.text, {{"key", fact.key}, {"town", town}, {"value", fact.value}});
  fact.question = fill_in(pattern.question, {{"key", fact.key}, {"town", town}});
  return fact;
}

Fact Facts::paraphrased() {
  const std::span<const Pattern> patterns = paraphrased_patterns(share_);
  if (told_++ >= patterns.size()) {
    throw_user_error("needle: a text holds at most ", patterns.size(),
                     " paraphrased facts; ask for fewer needle.questions, needle.count or --shots");
  }
  const std::string place = patterns_.next([&] { return std::to_string(choices_.below(patterns.size())); });
  const Pattern& pattern = patterns[std::stoul(place)];
  Fact fact;
  fact.value = values_.next([&] { return random_number(choices_, 5); });
  fact.text = fill_in(pattern.text, {{"value", fact.value}});
  fact.question = std::string(pattern.question);
  return fact;
}

std::size_t Facts::paraphrased_facts(KeyShare share) { return paraphrased_patterns(share).size(); }

}  // namespace tome::eval
