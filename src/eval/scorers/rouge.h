// ROUGE-L (Lin, 2004) in the three forms that published scores of long-context data sets are given in. They differ in
// words, in sentences, and in what a repeated word counts.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tome::eval {

/// Steps of one longest common subsequence after which PyPI's `rouge` gives up under LongBench's eval.py: it walks by
/// recursion, Python ends that at a depth of 1,000, and metrics.py scores the exception 0.
constexpr std::size_t kRougePackageSteps = 990;

/// F of "rouge-l" of PyPI's `rouge` 1.0.1: sentences end at ".", words at white space; the distinct words that lie on a
/// common subsequence of any two sentences, over the distinct words of each side; F = 2PR / (P + R + 1e-8).
/// 0 when either side has no sentence, or when a walk takes more than `most_steps`.
double rouge_l_package(std::string_view prediction, std::string_view reference,
                       std::size_t most_steps = kRougePackageSteps);

/// F of "rougeLsum" of google-research's `rouge_score` 0.1.2 without stemming, as Hugging Face's `evaluate` calls it:
/// lower case, words of a-z and 0-9, sentences are lines; each occurrence of a word counts once.
double rouge_l_sum(std::string_view prediction, std::string_view reference);

/// ROUGE-L of the COCO caption evaluation (beta 1.2; precision and recall each the best over the references), which
/// NarrativeQA's paper reports. Words: plain_words(); the original tokenises with Stanford's PTB tokenizer.
double rouge_l_coco(std::string_view prediction, const std::vector<std::string>& references);

}  // namespace tome::eval
