#include "eval/answerers/bm25_index.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace tome::eval {
namespace {

using testing::ElementsAre;

const std::vector<std::string_view> kPassages = {
    "The mill stood by the river, and its wheel had not turned for years.",
    "Anna kept the register of line 4096 in the church of Saint Olaf.",
    "In the evening the ferryman sold his boat to a merchant from Lübeck.",
    "The mill was sold, too, and the miller moved to the town.",
};

std::vector<std::size_t> best(const std::string& question, std::size_t count = 1) {
  return Bm25Index(kPassages).best({question}, count).front();
}

TEST(Bm25Index, FindsThePassage) {
  EXPECT_THAT(best("Who sold his boat?"), ElementsAre(2u));
  EXPECT_THAT(best("What is in the line-4096 register?"), ElementsAre(1u));
  EXPECT_THAT(best("a MERCHANT of lubeck"), ElementsAre(2u));  // without case and accents
  EXPECT_THAT(best("boats and merchants"), ElementsAre(2u));   // by the stem
  EXPECT_THAT(best("the miller"), ElementsAre(3u));
}

TEST(Bm25Index, RanksByRareWords) {
  const std::vector<std::size_t> order = best("the miller, the mill, the boat?", 4);
  EXPECT_THAT(order, ElementsAre(3u, 2u, 0u, 1u));
}

TEST(Bm25Index, EquallyGoodOnesComeInOrder) {
  Bm25Index index({"same words", "other words", "same words"});
  EXPECT_THAT(index.best({"same", "nothing", ""}, 2),
              ElementsAre(ElementsAre(0u, 2u), ElementsAre(0u, 1u), ElementsAre(0u, 1u)));
  EXPECT_THAT(index.best({"other"}, 99), ElementsAre(ElementsAre(1u, 0u, 2u)));
}

TEST(Bm25Index, ChineseCharactersAreWords) {
  Bm25Index index({"磨坊在河边", "船夫把船卖给了商人", "她住在镇上"});
  EXPECT_THAT(index.best({"船夫卖了什么？", "谁住在镇上"}, 1), ElementsAre(ElementsAre(1u), ElementsAre(2u)));
}

TEST(Bm25Index, NoQuestionIsAQuery) {
  const std::string nul("boat\0merchant", 13);
  for (const std::string& hostile :
       {std::string("\"boat"), std::string("boat\" OR \"mill"), std::string("NEAR(boat merchant, 1)"),
        std::string("boat NOT merchant"), std::string("text: boat"), std::string("{text other}: boat"),
        std::string("^boat"), std::string("boat*"), std::string("(((boat"), std::string("boat AND"),
        std::string("- boat +"), std::string("boat'; DROP TABLE passages; --"), nul, std::string("boat \xff\xfe\xc3"),
        std::string("÷ × boat"), std::string("boat ¨ \u00AD")}) {
    EXPECT_THAT(best(hostile), ElementsAre(2u)) << hostile;
  }
  for (const std::string& empty : {std::string(), std::string("\""), std::string("*"), std::string("\0", 1),
                                   std::string("÷"), std::string("\u00AD"), std::string("؟")}) {
    EXPECT_THAT(best(empty, 2), ElementsAre(0u, 1u)) << empty;
  }
}

TEST(Bm25Index, LongQuestionsAndStrangePassages) {
  std::string question;
  for (int i = 0; i < 20000; ++i) question += cat("word", i, " ");
  EXPECT_THAT(best("boat " + question), ElementsAre(2u));
  EXPECT_THAT(best("boat " + std::string(1 << 20, 'x')), ElementsAre(2u));
  const std::string strange("a\0b \xff boat", 10);
  Bm25Index index({strange, "", "mill"});
  EXPECT_THAT(index.best({"boat", "mill"}, 1), ElementsAre(ElementsAre(0u), ElementsAre(2u)));
}

}  // namespace
}  // namespace tome::eval
