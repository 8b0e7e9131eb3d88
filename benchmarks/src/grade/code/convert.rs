//! Inputs of MBPP that JSON cannot carry: tuples, sets and complex numbers, by task number (spec section 2.1).

use crate::python_data::PythonData;
use PythonData::{Dict, List, Made, Set, Str, Tuple};

/// The argument list of one input of `Mbpp/{number}` as Python has it.
pub fn convert(number: u32, arguments: Vec<PythonData>) -> PythonData {
    let mut arguments = arguments;
    match number {
        2 | 116 | 132 | 143 | 222 | 261 | 273 | 394 | 399 | 421 | 424 | 429 | 470 | 560 | 579 | 596 | 616
        | 630 | 726 | 740 | 744 | 809 => List(arguments.into_iter().map(tuple).collect()),
        63 | 64 | 70 | 94 | 120 | 237 | 272 | 299 | 400 | 409 | 417 | 438 | 473 | 614 | 780 => {
            List(arguments.into_iter().map(elements_to_tuples).collect())
        }
        75 | 413 | 444 | 753 => {
            arguments.truncate(2);
            List(at(arguments, 0, elements_to_tuples))
        }
        106 | 750 => {
            arguments.truncate(2);
            List(at(arguments, 1, tuple))
        }
        115 => {
            arguments.truncate(1);
            List(at(arguments, 0, |argument| map_list(argument, non_empty_list_to_set)))
        }
        124 => {
            let mut arguments = arguments.into_iter();
            let first = arguments.next().map(|real| Made("float", Box::new(real)));
            let second = arguments.next().map(complex);
            Tuple(first.into_iter().chain(second).collect())
        }
        252 => {
            arguments.truncate(1);
            List(at(arguments, 0, complex))
        }
        250 | 405 | 446 | 617 | 720 | 763 | 808 => {
            arguments.truncate(2);
            List(at(arguments, 0, tuple))
        }
        259 | 401 | 445 => {
            List(arguments.into_iter().map(|argument| tuple(elements_to_tuples(argument))).collect())
        }
        278 => {
            arguments.truncate(1);
            List(at(arguments, 0, |argument| tuple(map_list(argument, list_to_tuple))))
        }
        307 => {
            arguments.truncate(3);
            List(at(arguments, 0, tuple))
        }
        722 => List(at(arguments, 0, |argument| match argument {
            Dict(entries) => Dict(entries.into_iter().map(|(key, value)| (key, tuple(value))).collect()),
            other => other,
        })),
        580 | 615 | 791 => all_to_tuples(List(arguments)),
        _ => List(arguments),
    }
}

fn at(
    mut arguments: Vec<PythonData>,
    index: usize,
    change: impl FnOnce(PythonData) -> PythonData,
) -> Vec<PythonData> {
    if let Some(argument) = arguments.get_mut(index) {
        *argument = change(std::mem::replace(argument, PythonData::None));
    }
    arguments
}

/// `tuple(x)` for what can be iterated; anything else stays.
fn tuple(value: PythonData) -> PythonData {
    match value {
        List(items) | Tuple(items) => Tuple(items),
        Str(text) => Tuple(text.chars().map(|character| Str(character.into())).collect()),
        Dict(entries) => Tuple(entries.into_iter().map(|(key, _)| key).collect()),
        other => other,
    }
}

fn map_list(value: PythonData, change: impl FnMut(PythonData) -> PythonData) -> PythonData {
    match value {
        List(items) => List(items.into_iter().map(change).collect()),
        other => other,
    }
}

fn elements_to_tuples(value: PythonData) -> PythonData {
    map_list(value, tuple)
}

fn list_to_tuple(value: PythonData) -> PythonData {
    match value {
        List(items) => Tuple(items),
        other => other,
    }
}

fn all_to_tuples(value: PythonData) -> PythonData {
    match value {
        List(items) => Tuple(items.into_iter().map(all_to_tuples).collect()),
        other => other,
    }
}

fn non_empty_list_to_set(value: PythonData) -> PythonData {
    match value {
        List(items) if !items.is_empty() => Set(items),
        _ => Dict(Vec::new()),
    }
}

fn complex(value: PythonData) -> PythonData {
    Made("complex", Box::new(value))
}

#[cfg(test)]
mod tests {
    use super::convert;
    use crate::python_data::{PythonData, parse_json};

    fn converted(number: u32, json: &str) -> String {
        let PythonData::List(arguments) = parse_json(json).unwrap() else { panic!("{json}") };
        convert(number, arguments).literal()
    }

    #[test]
    fn each_rule_by_example() {
        for (number, json, want) in [
            (2, "[[1, 2], [3]]", "[(1, 2), (3,)]"),
            (63, "[[[1, 2], [3, 4]]]", "[[(1, 2), (3, 4)]]"),
            (75, "[[[6, 24]], 6, 9]", "[[(6, 24)], 6]"),
            (106, "[[5], [9, 10], 1]", "[[5], (9, 10)]"),
            (115, "[[[1, 2], [], {\"a\": 1}]]", "[[{1, 2}, {}, {}]]"),
            (124, "[0, \"1j\"]", "(float(0), complex('1j'))"),
            (252, "[3, 4]", "[complex(3)]"),
            (250, "[[1, 1], 1]", "[(1, 1), 1]"),
            (259, "[[[1, 3]], [[6, 7]]]", "[((1, 3),), ((6, 7),)]"),
            (278, "[[1, [2, 3], 4]]", "[(1, (2, 3), 4)]"),
            (307, "[[\"H\", 5, [], true], 2, 50]", "[('H', 5, [], True), 2, 50]"),
            (722, "[{\"a\": [6.2, 70]}, 6.0, 70]", "[{'a': (6.2, 70)}, 6.0, 70]"),
            (580, "[[4, [7, [1]]]]", "((4, (7, (1,))),)"),
            (3, "[[4]]", "[[4]]"),
            (2, "[\"ab\", 1]", "[('a', 'b'), 1]"),
        ] {
            assert_eq!(converted(number, json), want, "Mbpp/{number}");
        }
    }
}
