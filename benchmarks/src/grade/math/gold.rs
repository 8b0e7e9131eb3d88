//! The gold answer of sets that give a worked solution only (spec section 3.1): MATH500 and Minerva.

use super::normalise::{Units, normalise};

/// The gold in a solution: the content of its last box, else what follows "he answer is", else its last number.
/// `units` is `None` where units stay.
pub fn boxed_gold(solution: &str, units: Option<&Units>) -> String {
    let found = if let Some((_, after)) = solution.rsplit_once("boxed") {
        after_box(after).to_owned()
    } else if let Some((_, after)) = solution.rsplit_once("he answer is") {
        after.trim().to_owned()
    } else {
        last_number(&solution.replace(',', "")).to_owned()
    };
    let mut text = joined_lines(&found);
    text = text.strip_prefix(':').unwrap_or(&text).to_owned();
    for end in ['.', '/'] {
        text = text.strip_suffix(end).unwrap_or(&text).to_owned();
    }
    normalise(&text, units)
}

/// The content of the braces that open here; without braces, what stands before the next `$`.
fn after_box(after: &str) -> &str {
    let Some(inner) = after.strip_prefix('{') else {
        return after.split('$').next().unwrap_or_default().trim();
    };
    let mut depth = 1_usize;
    for (place, letter) in inner.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return &inner[..place];
                }
            }
            _ => {}
        }
    }
    inner
}

/// Line breaks and the space after them go.
fn joined_lines(text: &str) -> String {
    let mut lines = text.split('\n');
    let mut joined = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        joined.push_str(line.trim_start());
    }
    joined
}

fn last_number(text: &str) -> &str {
    let is_digit = |letter: char| letter.is_ascii_digit();
    let Some(last) = text.rfind(is_digit) else { return "" };
    let number = |letter: char| letter.is_ascii_digit() || letter == '.';
    let start = text[..last]
        .rfind(|letter| !number(letter))
        .map_or(0, |place| place + text[place..].chars().next().map_or(1, char::len_utf8));
    let start = if text[..start].ends_with('-') { start - 1 } else { start };
    &text[start..=last]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_of_a_gold() {
        for (solution, want) in [
            ("so \\boxed{1} and \\boxed{\\frac{1}{2}}.", "\\frac{1}{2}"),
            ("so $\\boxed 7$.", "7"),
            ("The answer is 12.", "12"),
            ("first 3, then -1,200 apples", "-1200"),
            ("nothing", ""),
            ("\\boxed{a\n  b}", "ab"),
            ("\\boxed{open", "open"),
        ] {
            assert_eq!(boxed_gold(solution, None), want, "{solution}");
        }
    }
}
