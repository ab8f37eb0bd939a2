#include "model/kv_sequence.h"

#include <gtest/gtest.h>

#include <cstring>

#include "formats/files.h"

namespace tome {
namespace {

constexpr std::size_t kWidth = 2 * 10;

template <typename T>
class Kv : public testing::Test {
 protected:
  void SetUp() override {
    Dice dice(5);
    for (std::size_t i = 0; i < 1500 * kWidth; ++i) {
      k_.push_back(T(dice.normal()));
      v_.push_back(T(dice.normal()));
    }
  }
  void append(KvSequence<T>& kv, std::size_t first, std::size_t rows) {
    kv.append(threads_, k_.data() + first * kWidth, v_.data() + first * kWidth, rows);
  }
  // Bit for bit what one append of tokens [0, tokens) gives, from block `from_block` on.
  void expect_tokens(const KvSequence<T>& kv, std::size_t tokens, std::size_t from_block = 0) {
    KvSequence<T> expected(shape_);
    append(expected, 0, tokens);
    ASSERT_EQ(kv.size(), static_cast<std::int64_t>(tokens));
    ASSERT_EQ(kv.blocks().size() + from_block, expected.blocks().size());
    const std::size_t words = ops::kv_block_words<T>(shape_);
    std::vector<std::uint32_t> clean(2 * words);
    for (std::size_t b = 0; b < kv.blocks().size(); ++b) {
      const ops::KvBlock& got = kv.blocks()[b];
      const ops::KvBlock& want = expected.blocks()[b + from_block];
      ASSERT_EQ(got.first, want.first);
      ASSERT_EQ(got.count, want.count);
      ops::copy_kv<T>(shape_, got.count, got.k, got.v, clean.data(), clean.data() + words);
      EXPECT_EQ(std::memcmp(clean.data(), want.k, words * 4), 0) << "block " << b;
      EXPECT_EQ(std::memcmp(clean.data() + words, want.v, words * 4), 0) << "block " << b;
    }
  }

  ops::AttentionShape shape_{4, 2, 10, 0.3f};
  Threads threads_{2};
  std::vector<T> k_, v_;
};

using Types = testing::Types<bf16, float>;
TYPED_TEST_SUITE(Kv, Types);

TYPED_TEST(Kv, AppendInPiecesIsAppendAtOnce) {
  KvSequence<TypeParam> kv(this->shape_);
  std::size_t done = 0;
  for (const std::size_t rows : {1u, 254u, 1u, 1u, 300u, 511u, 3u}) {
    this->append(kv, done, rows);
    done += rows;
    this->expect_tokens(kv, done);
  }
}

TYPED_TEST(Kv, GoesOnAfterBorrowedBlocksWithoutChangingThem) {
  for (const std::size_t kept : {1u, 100u, 255u, 256u, 300u, 511u, 512u, 777u}) {
    KvSequence<TypeParam> source(this->shape_);
    this->append(source, 0, 1000);  // the last borrowed block is a part of a fuller one
    KvSequence<TypeParam> kv(this->shape_);
    for (ops::KvBlock block : source.blocks()) {
      if (block.first >= static_cast<std::int64_t>(kept)) break;
      block.count =
          static_cast<int>(std::min<std::int64_t>(block.count, static_cast<std::int64_t>(kept) - block.first));
      kv.borrow(block);
    }
    this->expect_tokens(kv, kept);
    this->append(kv, kept, 400);
    this->expect_tokens(kv, kept + 400);
    this->expect_tokens(source, 1000);
  }
}

TYPED_TEST(Kv, TruncateForgets) {
  for (const std::size_t keep : {0u, 1u, 255u, 256u, 257u, 700u, 900u, 2000u}) {
    KvSequence<TypeParam> kv(this->shape_);
    this->append(kv, 0, 900);
    kv.truncate(static_cast<std::int64_t>(keep));
    const std::size_t left = std::min<std::size_t>(keep, 900);
    if (left > 0) this->expect_tokens(kv, left);
    this->append(kv, left, 300);
    this->expect_tokens(kv, left + 300);
  }
}

TYPED_TEST(Kv, TruncateInsideABorrowedBlock) {
  KvSequence<TypeParam> source(this->shape_);
  this->append(source, 0, 600);
  KvSequence<TypeParam> kv(this->shape_);
  for (const ops::KvBlock& block : source.blocks()) kv.borrow(block);
  kv.truncate(511);
  this->append(kv, 511, 2);
  this->expect_tokens(kv, 513);
  this->expect_tokens(source, 600);
}

TYPED_TEST(Kv, ClearAndReuse) {
  KvSequence<TypeParam> kv(this->shape_);
  this->append(kv, 0, 900);
  kv.clear();
  EXPECT_EQ(kv.size(), 0);
  EXPECT_TRUE(kv.blocks().empty());
  this->append(kv, 0, 30);
  this->expect_tokens(kv, 30);
}

TYPED_TEST(Kv, DropBeforeFreesWholeBlocksOnly) {
  KvSequence<TypeParam> kv(this->shape_);
  this->append(kv, 0, 900);
  kv.drop_before(255);
  this->expect_tokens(kv, 900);
  kv.drop_before(600);
  this->expect_tokens(kv, 900, 2);
  this->append(kv, 900, 200);
  this->expect_tokens(kv, 1100, 2);
}

TYPED_TEST(Kv, ABlockOutOfOrderIsRefused) {
  KvSequence<TypeParam> kv(this->shape_);
  this->append(kv, 0, 300);
  ops::KvBlock block = kv.blocks()[0];
  EXPECT_THROW(kv.borrow(block), InternalError);
  block.first = 300;
  EXPECT_THROW(kv.borrow(block), InternalError);
  block.first = 512;
  block.count = 0;
  EXPECT_THROW(kv.borrow(block), InternalError);
}

class KvInt8 : public Kv<bf16> {
 protected:
  void SetUp() override {
    Kv<bf16>::SetUp();
    if (!ops::has_int8_scores()) GTEST_SKIP() << "bf16 scores are as fast at this CPU's level";
  }
  // Full blocks have the int8 keys of what they hold, others none.
  void expect_keys(const KvSequence<bf16>& kv) {
    const std::size_t words = 2 * ops::int8_key_words(shape_);
    for (const ops::KvBlock& block : kv.blocks()) {
      ASSERT_EQ(block.int8_keys != nullptr, block.count == ops::kKvBlock) << block.first;
      if (block.int8_keys == nullptr) continue;
      std::vector<std::uint32_t> expected(words);
      ops::quantize_keys(shape_, block.k, expected.data());
      EXPECT_EQ(std::memcmp(block.int8_keys, expected.data(), words * 4), 0) << block.first;
    }
  }
};

TEST_F(KvInt8, FullBlocksHaveInt8Keys) {
  auto kv = KvSequence<bf16>::with_int8_scores(shape_);
  append(kv, 0, 255);
  expect_keys(kv);
  append(kv, 255, 1);
  expect_keys(kv);
  append(kv, 256, 600);
  expect_keys(kv);
  expect_tokens(kv, 856);
  kv.truncate(500);
  expect_keys(kv);
  expect_tokens(kv, 500);
  append(kv, 500, 100);
  expect_keys(kv);
  kv.clear();
  append(kv, 0, 300);  // into memory that held others
  expect_keys(kv);
  expect_tokens(kv, 300);
}

TEST_F(KvInt8, NotBesideQuantisedBlocks) {
  auto kv = KvSequence<bf16>::with_int8_scores(shape_, ops::KvType::kQ8);
  append(kv, 0, 600);
  for (const ops::KvBlock& block : kv.blocks()) EXPECT_EQ(block.int8_keys, nullptr);
}

}  // namespace
}  // namespace tome
