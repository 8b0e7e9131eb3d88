//! Finds the answer in a completion (spec section 3.3, prompt types of AZR).

use azr_selfplay::parse::boxed_answer;

/// Texts that end a completion.
const STOPS: [&str; 3] = ["</s>", "<|im_end|>", "<|endoftext|>"];

/// The answer as it stands in the completion, before normalisation; empty if there is none.
pub fn extract(completion: &str) -> String {
    let text = cut_at_stop(completion.trim());
    if let Some(position) = text.rfind("<answer>") {
        let rest = &text[position + "<answer>".len()..];
        let answer = rest.split("</answer>").next().unwrap_or(rest).trim();
        return if answer.contains("boxed") { boxed(answer) } else { answer.to_owned() };
    }
    if text.contains("boxed") {
        return boxed(text);
    }
    display(text).unwrap_or_default().to_owned()
}

/// The last boxed expression, kept with its command and braces; empty if none is balanced.
fn boxed(text: &str) -> String {
    boxed_answer(text).unwrap_or_default().to_owned()
}

fn cut_at_stop(text: &str) -> &str {
    let end = STOPS.iter().filter_map(|stop| text.find(stop)).min().unwrap_or(text.len());
    text[..end].trim()
}

/// The content of the first `\[...\]` on one line.
fn display(text: &str) -> Option<&str> {
    text.match_indices("\\[").find_map(|(start, open)| {
        let rest = &text[start + open.len()..];
        let content = &rest[..rest.find("\\]")?];
        (!content.contains('\n')).then_some(content)
    })
}

/// Multiple choice: a prediction against a gold of the letters A to E (spec section 3.3, end).
pub fn fit_to_choices(prediction: String, completion: &str, gold: &str) -> String {
    const LETTERS: [&str; 5] = ["A", "B", "C", "D", "E"];
    if LETTERS.contains(&gold) && !LETTERS.contains(&prediction.as_str()) {
        let is_word = |character: char| character.is_alphanumeric() || character == '_';
        return completion
            .split(|character| !is_word(character))
            .rfind(|word| LETTERS.contains(word))
            .map_or(prediction, str::to_owned);
    }
    if gold.chars().all(|character| ('A'..='E').contains(&character)) {
        return prediction.chars().filter(|character| ('A'..='E').contains(character)).collect();
    }
    prediction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_of_an_answer() {
        for (completion, want) in [
            ("<answer>1</answer> no <answer> 2 </answer>", "2"),
            ("so <answer>\\boxed{3} and \\boxed{\\frac{1}{2}}</answer>", "\\boxed{\\frac{1}{2}}"),
            ("<answer>\\boxed{3</answer>", ""),
            ("<answer>7", "7"),
            ("so \\boxed{4}. <|im_end|> \\boxed{5}", "\\boxed{4}"),
            ("so \\boxed 4$ done", "\\boxed 4"),
            ("so \\fbox{4}", ""),
            ("<answer>\\fbox{4} boxed</answer>", "\\fbox{4}"),
            ("Hence \\[ 8 \\] or \\[9\\]", " 8 "),
            ("Hence \\[ 8 \n \\]", ""),
            ("The answer is 7", ""),
            ("", ""),
        ] {
            assert_eq!(extract(completion), want, "{completion}");
        }
    }

    #[test]
    fn choices() {
        assert_eq!(fit_to_choices("x".into(), "I think (B), or (C).", "A"), "C");
        assert_eq!(fit_to_choices("B".into(), "C", "A"), "B");
        assert_eq!(fit_to_choices("(A,B)".into(), "", "AB"), "AB");
        assert_eq!(fit_to_choices("7".into(), "7", ""), "");
        assert_eq!(fit_to_choices("7".into(), "7", "7"), "7");
    }
}
