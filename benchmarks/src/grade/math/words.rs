//! Numbers in English words, by the rules of the reference's converter (spec section 3.4, "number words").

/// Value of a word; `point` parts the decimals.
fn value(word: &str) -> Option<u64> {
    const UNITS: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 8] = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    let at = |words: &[&str]| words.iter().position(|known| *known == word).map(|position| position as u64);
    match word {
        "hundred" => Some(100),
        "thousand" => Some(1_000),
        "million" => Some(1_000_000),
        "billion" => Some(1_000_000_000),
        _ => at(&UNITS).or_else(|| at(&TENS).map(|position| 20 + 10 * position)),
    }
}

/// The text with a number in its place, if it holds number words or is all digits; else the text.
pub fn convert_number_words(text: &str) -> String {
    number_of(text).unwrap_or_else(|| text.to_owned())
}

fn number_of(text: &str) -> Option<String> {
    let text = text.replace('-', " ").to_lowercase();
    if !text.is_empty() && text.chars().all(|character| character.is_ascii_digit()) {
        let digits = text.trim_start_matches('0');
        return Some(if digits.is_empty() { "0".into() } else { digits.into() });
    }
    let words: Vec<&str> =
        text.split_whitespace().filter(|word| *word == "point" || value(word).is_some()).collect();
    let count = |wanted: &str| words.iter().filter(|word| **word == wanted).count();
    if words.is_empty() || ["thousand", "million", "billion", "point"].iter().any(|word| count(word) > 1) {
        return None;
    }
    let (whole, decimals) = match words.iter().position(|word| *word == "point") {
        Some(position) => (&words[..position], &words[position + 1..]),
        None => (&words[..], &[][..]),
    };
    let total = whole_number(whole)?;
    if decimals.is_empty() {
        return Some(total.to_string());
    }
    let digits: Option<String> = decimals
        .iter()
        .map(|word| value(word).filter(|digit| *digit < 10).map(|digit| digit.to_string()))
        .collect();
    // A word that is no digit makes the whole fraction zero.
    let fraction: f64 = digits.map_or(Some(0.0), |digits| format!("0.{digits}").parse().ok())?;
    let sum = total as f64 + fraction;
    Some(if fraction == 0.0 && decimals.iter().any(|word| value(word).is_none_or(|digit| digit > 9)) {
        total.to_string()
    } else if sum.fract() == 0.0 {
        format!("{sum:.1}")
    } else {
        sum.to_string()
    })
}

fn whole_number(words: &[&str]) -> Option<u64> {
    if words.len() < 2 {
        return words.first().map_or(Some(0), |word| value(word));
    }
    let at = |wanted: &str| words.iter().position(|word| *word == wanted);
    let (billion, million, thousand) = (at("billion"), at("million"), at("thousand"));
    let misplaced = |low: Option<usize>, high: Option<usize>| matches!((low, high), (Some(low), Some(high)) if low < high);
    if misplaced(thousand, million) || misplaced(thousand, billion) || misplaced(million, billion) {
        return None;
    }
    let mut total = 0_u64;
    let mut start = 0;
    for (position, scale) in [(billion, 1_000_000_000), (million, 1_000_000), (thousand, 1_000)] {
        if let Some(position) = position {
            let part = below_thousand(&words[start..position])?;
            total = total.checked_add(part.checked_mul(scale)?)?;
            start = position + 1;
        }
    }
    let rest = &words[start..];
    if rest.is_empty() { Some(total) } else { total.checked_add(below_thousand(rest)?) }
}

fn below_thousand(words: &[&str]) -> Option<u64> {
    let numbers: Vec<u64> = words.iter().filter_map(|word| value(word)).collect();
    match numbers[..] {
        [a, b, c, d] => a.checked_mul(b)?.checked_add(c)?.checked_add(d),
        [a, b, c] => a.checked_mul(b)?.checked_add(c),
        [a, b] if a == 100 || b == 100 => a.checked_mul(b),
        [a, b] => a.checked_add(b),
        _ => numbers.first().copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::convert_number_words;

    #[test]
    fn words_become_numbers() {
        for (text, want) in [
            ("two apples", "2"),
            ("x plus one", "1"),
            ("one two", "3"),
            ("the point", "0"),
            ("070", "70"),
            ("000", "0"),
            ("two million twenty-three thousand and forty nine", "2023049"),
            ("two point three", "2.3"),
            ("three hundred five", "305"),
            ("thousand thousand", "thousand thousand"),
            ("thousand", "1000"),
            ("one thousand million", "one thousand million"),
            ("1.5", "1.5"),
            ("-5", "-5"),
            ("", ""),
        ] {
            assert_eq!(convert_number_words(text), want, "{text}");
        }
    }
}
