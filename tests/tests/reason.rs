//! `azr deduce`, `azr abduce` and `azr induce` on files as people have them.

use azr_tests::Fixture;

const FILE: &str = "import math\nimport os\n\nSCALE = 3\n\ndef helper(x):\n    return x * SCALE\n\n\
def area(r):\n    return math.floor(helper(r))\n\ndef listing(path):\n    return os.listdir(path)\n\n\
print(area(2))\n\ndef broken(:\n    return (\n";

#[test]
fn deduce_shows_the_executed_value_although_the_file_is_broken_elsewhere() {
    let fixture = Fixture::new();
    fixture.write("file.py", FILE);
    let finished = fixture.azr(&["deduce", "file.py:area", "--input", "2.5", "--no-model"]).expect_code(0);
    assert!(finished.stdout.starts_with("area(2.5) = 7   (executed)\n"), "{}", finished.stdout);
    let asked = ["deduce", "file.py:area", "--input", "2", "--json", "--samples", "2", "--tokens", "40"];
    let answer = fixture.azr(&asked).expect_code(0).json();
    assert_eq!((answer["actual"].as_str(), answer["source"].as_str()), (Some("6"), Some("executor")));
    assert_eq!(answer["modelVersion"], 0);
    assert!(answer["elapsedMs"]["execute"].as_f64().unwrap() > 0.0);
    let again = fixture.azr(&asked).expect_code(0).json();
    assert_eq!((&again["predicted"], &again["candidates"]), (&answer["predicted"], &answer["candidates"]));
}

#[test]
fn abduce_finds_an_input_or_says_that_it_did_not() {
    let fixture = Fixture::new();
    fixture.write("file.py", FILE);
    let found = fixture
        .azr(&["abduce", "file.py:area", "--output", "12", "--no-model", "--json"])
        .expect_code(0)
        .json();
    assert_eq!(
        (found["verdict"].as_str(), found["inputs"][0]["source"].as_str()),
        (Some("verified"), Some("search"))
    );
    fixture.write("never.py", "def f():\n    return 1\n");
    let finished = fixture.azr(&["abduce", "never.py", "--output", "2", "--no-model"]).expect_code(1);
    assert!(finished.stdout.contains("no input found among 1 tried"), "{}", finished.stdout);
}

#[test]
fn induce_writes_a_function_that_held_out_examples_confirm() {
    let fixture = Fixture::new();
    fixture.write(
        "examples",
        "[3, 1, 2] -> [1, 2, 3]\n{\"input\": \"[2]\", \"output\": \"[2]\"}\n[9, 8, 7] -> [7, 8, 9]\n",
    );
    let finished = fixture.azr(&["induce", "--examples", "examples", "--no-model"]).expect_code(0);
    assert!(finished.stdout.contains("sorted(a)"), "{}", finished.stdout);
    assert!(
        finished.stdout.contains("verified: 2 of 2 shown examples, 1 of 1 held out, by search"),
        "{}",
        finished.stdout
    );
}

#[test]
fn what_cannot_be_asked_is_refused_with_advice() {
    let fixture = Fixture::new();
    fixture.write("file.py", FILE);
    let refused = |arguments: &[&str], parts: &[&str]| fixture.azr(arguments).expect_refusal(parts);
    refused(&["deduce", "file.py:listing", "--input", "'.'", "--no-model"], &["the module `os`"]);
    refused(
        &["deduce", "file.py:nothing", "--input", "1", "--no-model"],
        &["no function `nothing`", "helper, area"],
    );
    refused(&["deduce", "file.py:area", "--input", "1) or (2", "--no-model"], &["not a list of arguments"]);
    refused(&["deduce", "file.py", "--input", "1", "--no-model"], &["which function is meant?"]);
    refused(&["deduce", "missing.py:f", "--input", "1"], &["missing.py"]);
    fixture.write("examples", "nonsense\n");
    refused(&["induce", "--examples", "examples"], &["line 1 of examples"]);
    refused(&["abduce", "file.py:area", "--output", "1", "--samples", "0"], &["--samples 0"]);
}
