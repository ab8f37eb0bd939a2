"""Answers for make_scores.py to score: easy and nasty ones, by metric."""

import re

REPEATS = ["w" + str(number % 7) for number in range(400)]
DISTINCT = [f"n{number}" for number in range(991)]
PAIRS = [
    ("Paris", ["Paris"]),
    ("The answer is Paris, the capital.", ["paris", "Paris (France)"]),
    ("", ["something"]),
    ("something", [""]),
    ("", [""]),
    ("?!...", ["..."]),
    ("a an the", ["the"]),
    ("The the a cat an sat", ["a cat sat the mat"]),
    ("  spaced\tout\n\nanswer  ", ["spaced out answer"]),
    ("first line\nsecond line", ["first line", "second line"]),
    ("\n\n\nfirst line\nsecond line", ["first line"]),
    ("first\rsecond", ["second"]),
    ("one. two. three.", ["three. two. one."]),
    ("The fox runs. It hides. The dog sleeps.", ["The dog sleeps and the fox runs. It hides well."]),
    ("x", ["x. "]),
    (" ", [" "]),
    (" ", ["Hello. World. "]),
    ("a.b.c", ["a b c"]),
    ("3.14 and 3.15", ["3.14"]),
    ("42", ["42", "forty-two"]),
    ("1,000,000 people", ["1000000 people"]),
    ("Müller's café déjà-vu", ["mullers cafe", "MÜLLERS CAFÉ DÉJÀVU"]),
    ("ΟΔΥΣΣΕΥΣ ΣΟΦΟΣ", ["οδυσσευς σοφος"]),
    ("İstanbul Straße K", ["istanbul strasse k", "i̇stanbul straße k"]),
    ("naïve\u00a0the\u2003théâtre", ["naïve théâtre"]),
    ("“the” quoted — dash…", ["quoted dash", "“the” quoted — dash…"]),
    ("the_cat a-b an'd", ["thecat ab and"]),
    ("emoji 🎉🎉 the party", ["emoji 🎉🎉 party"]),
    ("e\u0301 combining a\u0301", ["é combining á"]),
    ("nul \x00 and \x1f here", ["nul and here"]),
    ("to be or not to be", ["not to be or to be"]),
    ("a b c d e f g", ["b d f a c e g"]),
    ("x y x y x y", ["y x y x"]),
    (" ".join(REPEATS), [" ".join(REPEATS[::-1]), "w1 w2"]),
    (". ".join(" ".join(REPEATS[start : start + 9]) for start in range(0, 90, 9)), [". ".join(["w3 w4 w1 w0"] * 5)]),
    ("the " * 300 + "end", ["the end " * 20]),
    ("He was killed in the war\nby a shell.", ["fighting in world war 1", "a shell in the war"]),
    ("Yes", ["yes", "Yes."]),
    ("unanswerable", ["Unanswerable"]),
    ("北京", ["北京市"]),
    ("我来到北京清华大学", ["清华大学在北京", "他来到了网易杭研大厦"]),
    ("会议讨论了预算。大家同意了方案！", ["会议讨论了今年的预算，大家都同意这个方案。"]),
    ("答案是：《红楼梦》。", ["《红楼梦》", "红楼梦"]),
    ("全角ＡＢＣ１２３，half 123", ["全角abc123"]),
    ("，。！？", ["、；："]),
    ("她說：「好的」…", ["她说好的"]),
    ("小明硕士毕业于中国科学院计算所，后在日本京都大学深造\n第二行", ["小明毕业于中国科学院", "日本京都大学"]),
    ("2023年5月1日 10:30 在上海举行。", ["2023年5月1日在上海"]),
    ("混合 English words 和中文 with 3.5 points.", ["English 和 中文 3.5"]),
    ("哈哈哈哈哈哈" * 20, ["哈哈" * 30]),
]
LONG = [
    (" ".join(DISTINCT[:990]), [" ".join(DISTINCT[:990])]),
    (" ".join(DISTINCT[:991]), [" ".join(DISTINCT[:991])]),
    (" ".join([*DISTINCT[:989], "x"]), [" ".join(["x", *DISTINCT[:989]])]),
    (" ".join([*DISTINCT[:990], "x"]), [" ".join(["x", *DISTINCT[:990]])]),
    (" ".join(DISTINCT[:600]) + ". " + " ".join(DISTINCT[600:]), [" ".join(DISTINCT[:500]) + "."]),
]
LONG_CHINESE = [("好的，" * 330, ["好的，" * 330]), ("好的，" * 329 + "好的", ["好的，" * 329 + "好的"])]  # 990 and 989 words
CLASSES = ["Number", "Number of something", "Date", "Person", "Group or organization of person", "City", "Other city", ""]
CLASSIFIED = [
    ("Type: Number of something", "Number of something"),
    ("Number", "Number"),
    ("Number of something", "Number"),
    ("Group or organization of person, Person, Date", "Group or organization of person"),
    ("Other city or City", "Other city"),
    ("nothing of it", "Date"),
    ("\n\nDate\nPerson", "Date"),
    ("", "Person"),
]
NUMBERED = [
    ("Paragraph 7", "Paragraph 7"),
    ("7 or 8 or 7", "Paragraph 7"),
    ("Paragraph 12", "Paragraph 1"),
    ("none", "Paragraph 3"),
    ("", "Paragraph 3"),
    ("Paragraph ７ 7", "Paragraph 7"),
    ("07", "Paragraph 7"),
    ("Paragraph 1\n\nParagraph 2", "see Paragraph x, Paragraph 2"),
]
CODE = [
    ("return x + 1", "return x + 1"),
    ("```python\n    return x\n```", "    return x"),
    ("# a comment\n// another\nint y = 3;", "int y = 4;"),
    ("\n\n  foo(bar)\nrest", "foo(bar, baz)"),
    ("", "x = 1"),
    ("# only", "x = 1"),
    ("# only", ""),
    ("", ""),
    ("ababab", "aaaaab"),
    ("self.assertEqual(response.status_code, 200)", "self.assertEquals(resp.status, 404)"),
    ("String name = getName();", "string Name = GetName();"),
    ("数据 = 读取(文件)", "数据 = 读(文件名)"),
    ("x" * 150, "x" * 250),
    ("ab" * 130, "ba" * 130),
    ("y" + "abc" * 80 + "z", "abc" * 90),
    ("q" * 3 + "rare" + "q" * 300, "q" * 250 + "rare" + "q"),
    ("if (a == b) { return; }", "if (b == a) return;"),
    ("aab", "baa"),
    ("abcde", "abxde"),
]
CHOICES = [
    ("The correct answer is (B).", "B"),
    ("The correct answer is **(C)**", "C"),
    ("The correct answer is D because", "D"),
    ("The correct answer is (B because", "B"),
    ("The correct answer is (E). The correct answer is (A)", "A"),
    ("The correct answer is A. The correct answer is (B)", "B"),
    ("the correct answer is (A)", "A"),
    ("(A)", "A"),
    ("", "A"),
    ("The correct answer is *D*", "D"),
    ("The correct answer is  (A)", "A"),
    ("The correct answer is (A)", "B"),
]
LABELLED = {
    "passkey": [("The pass key is 71432.", "71432"), ("0071432", "71432"), ("key", "5"), ("１２ 34", "34"), ("", "1")],
    "number_string": [("3000077442!", "3000077442"), ("30 00077442", "3000077442")],
    "kv_retrieval": [
        ('"key": "c14cb8ba-002b"', "c14cb8ba-002b"),
        ("c14cb8ba-002b}", "c14cb8ba-002b"),
        ("c14cb8ba-002bx", "c14cb8ba-002b"),
        ("", "c1"),
    ],
    "longdialogue_qa_eng": [
        ("Ace Rothstein", ["ACE", "ACE ROTHSTEIN"]),
        ("ace.", ["ACE", "x"]),
        ("Ace Rothstein", ["ACE ROTHSTEIN"]),
        ("straße", ["STRASSE"]),
        ("nobody", ["Remo"]),
        ("éve!", ["ÉVE"]),
    ],
    "longbook_choice_eng": [
        (text, ["Hall Farm", "B"])
        for text in (
            "B",
            "B. Hall Farm",
            "A. Snowfield",
            "Hall Farm",
            "It is Hall Farm",
            "The answer is: B",
            "The answer is B.",
            "The answer is",
            "The answer is ",
            "The answer is: ",
            'the  "option is" B',
            "I would say B, or C",
            "I would say C then B",
            "I say AB",
            "I say ABCD or B",
            "",
            "   ",
            "b",
            "The answer iséB",
            "None of these",
            "answer: Hall Farm!",
        )
    ],
    "longbook_qa_eng": [("An island in the Hebrides.", ["the hebrides", "An island"]), ("", ["x"]), ("the", ["a"])],
    "longbook_qa_chn": [
        ("田归农，商老太。", ["田归农, 商老太, 王剑英"]),
        ("《胡一刀》", ["胡一刀"]),
        ("", ["胡"]),
        ("ＡＢＣ abc", ["abc"]),
        ("。", ["。"]),
        ("商老太 商老太", ["商老太", "老太"]),
    ],
    "longbook_sum_eng": [
        ("The fox ran.\nThe dog slept.", ["A dog slept.\nThe fox ran away."]),
        ("the the the", ["the cat the"]),
        ("a b c\nb c d\na", ["b c a d", "a b c d\nb"]),
        ("", ["x"]),
        ("\n\n", ["x\n"]),
        ("é ü 好", ["e u"]),
        ("İt K Straße 42", ["it k stra e 42", "it k"]),
        ("x-y_z's", ["x y z s"]),
        ("x y x y x\ny y x", ["y x y\nx x y y"]),
        ("one two\nthree one two\n" * 30, ["two one three\none\n" * 12]),
        (" ".join(REPEATS[:200]), [" ".join(REPEATS[50:150]), " ".join(REPEATS[:10])]),
    ],
    "math_find": [
        ("88", 88),
        ("It is 88.5", 88),
        ("88.", 88),
        ("-88", 88),
        ("about 3.5, or 4", 3.5),
        ("3", 3.0),
        ("٣", 3),
        ("007", 7),
        ("none", 1),
        ("1.2.3", 1.2),
        ("9" * 400, 0.5),
        ("1_000", 1000),
    ],
    "math_calc": [
        ("[1, 3, 6, 10]", [1, 3, 6, 10]),
        ("1 3 5", [1, 3, 6, 10]),
        ("-1, 3", [1, 3, 0]),
        ("01 03", [1, 3]),
        ("", [1]),
        ("x 2", [1, 2]),
        ("1 3", [-1, 3]),
        ("99999999999999999999 1", [1, 1]),
        ("1 2 3 4 5", [1, 2, 3]),
        ("0 000 5", [0, 0, 5]),
    ],
    "code_run": [
        ("The value is: 1", 1),
        ("-12.", -12),
        ("it is +7", 7),
        ("7 or so", 7),
        ("1_000", 1000),
        ("1__0", 10),
        ("_1", 1),
        ("٣", 3),
        ("'007'", 7),
        ("-0", 0),
        ("", 0),
        ("3.5", 5),
        ("--5", 5),
        ("−5", -5),
    ],
    "code_debug": [
        (text, ["Config._set", "C"])
        for text in (
            "C. Config._set",
            "C: it",
            "C",
            "D. other",
            "The correct answer is:\n\nC. Config",
            "The answer is: Config._set",
            "answer: D",
            "the correct option is: C",
            "The error is: `C`",
            "answer is:",
            "answer is: ",
            "answer:C",
            "The answer is: **C**",
            "The answer is: option C",
            "",
            "is:éC",
        )
    ],
}
MATCHED = [
    ("The numbers are 12, 34\tand 56", ["12", "34", "99"]),
    ("PARIS", ["paris", "Lyon"]),
    ("par\x01is", ["par\nis"]),
    ("İstanbul", ["i̇stanbul", "İSTANBUL"]),
    ("", ["x"]),
    ("x", [""]),
    ("Think.\nThe answer is Yuki", ["Yuki", "Stuart"]),
    ("  Yuki \n", ["Yuki"]),
    ("Yuki\n\nnobody", ["Yuki"]),
    ("yuki", ["Yuki"]),
    ("Yuki.", ["Yuki"]),
]


def rows():
    for prediction, references in PAIRS:
        yield "f1", prediction, references, None
        yield "exact", prediction, references, None
        yield "coco", prediction, references, None
        yield "longbench/qa", prediction, references, None
        yield "longbench/rouge", prediction, references, None
    for prediction, references in PAIRS[-12:] + PAIRS[:12]:
        yield "longbench/qa_zh", prediction, references, None
        yield "longbench/rouge_zh", prediction, references, None
    for prediction, references in LONG:
        yield "longbench/rouge", prediction, references, None
    for prediction, references in LONG_CHINESE:
        yield "longbench/rouge_zh", prediction, references, None
    for prediction, references in PAIRS[6:16]:
        yield "longbench/first-line/qa", prediction, references, None
        yield "longbench/first-line/rouge", prediction, references, None
    for prediction, reference in CLASSIFIED:
        yield "longbench/classification", prediction, [reference], CLASSES
        yield "longbench/first-line/classification", prediction, [reference], CLASSES
    for prediction, reference in NUMBERED:
        yield "longbench/retrieval", prediction, [reference], None
        yield "longbench/retrieval_zh", prediction, [reference.replace("Paragraph ", "段落")], None
        yield "longbench/count", prediction, [re.search(r"\d+", reference)[0]], None
    for prediction, reference in CODE:
        yield "longbench/code_sim", prediction, [reference], None
    for prediction, reference in CHOICES:
        yield "longbench-v2", prediction, [reference], None
    for part, cases in LABELLED.items():
        for prediction, label in cases:
            yield "infinitebench/" + part, prediction, [], label
    for prediction, references in MATCHED:
        for how in ("all", "part"):
            yield "ruler", prediction, references, how
        for metric in ("contains", "exact", "lastline-contains", "lastline-exact"):
            yield "nolima", prediction, references, metric
