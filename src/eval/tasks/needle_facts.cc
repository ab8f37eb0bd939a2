#include <array>
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
    {"{name} keeps the spare lantern in cupboard {value}.", "In which cupboard does {name} keep the spare lantern?"},
    {"The luggage of {name} bears the tag {value}.", "Which tag does the luggage of {name} bear?"},
    {"{name} of {town} pays a yearly rent of {value} crowns.", "What yearly rent in crowns does {name} of {town} pay?"},
    {"The rowing club gave {name} the membership number {value}.",
     "Which membership number did the rowing club give {name}?"},
    {"At the fair in {town} ticket {value} was drawn for {name}.",
     "Which ticket was drawn for {name} at the fair in {town}?"},
    {"The notebook of {name} ends with the code {value}.", "With which code does the notebook of {name} end?"},
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

}  // namespace

Fact Facts::literal() {
  const Pattern& pattern = kLiteral[static_cast<std::size_t>(choices_.below(kLiteral.size()))];
  Fact fact;
  fact.key = keys_.next([&] { return choices_.one_of(given_names()) + " " + choices_.one_of(family_names()); });
  fact.value = values_.next([&] { return random_number(choices_, 5); });
  const std::string town = choices_.one_of(towns());
  fact.text = fill_in(pattern.text, {{"name", fact.key}, {"town", town}, {"value", fact.value}});
  fact.question = fill_in(pattern.question, {{"name", fact.key}, {"town", town}});
  return fact;
}

Fact Facts::paraphrased() {
  if (told_++ >= kParaphrased.size()) {
    throw_user_error("needle: a text holds at most ", kParaphrased.size(),
                     " paraphrased facts; ask for fewer needle.questions, needle.count or --shots");
  }
  const std::string place = patterns_.next([&] { return std::to_string(choices_.below(kParaphrased.size())); });
  const Pattern& pattern = kParaphrased[std::stoul(place)];
  Fact fact;
  fact.value = values_.next([&] { return random_number(choices_, 5); });
  fact.text = fill_in(pattern.text, {{"value", fact.value}});
  fact.question = std::string(pattern.question);
  return fact;
}

std::size_t Facts::paraphrased_facts() { return kParaphrased.size(); }

}  // namespace tome::eval
