//! Chat templates: how messages become one prompt text, as the model's makers wrote it down in Jinja.
//!
//! Rendered as transformers does: blocks are trimmed, strings and maps have Python's methods, `tojson` writes what
//! Python's `json.dumps` writes, `raise_exception` refuses, `strftime_now` is there where a clock is given (this
//! crate has none), no tools and no documents. A template comes with the weights, from anywhere: its work and the
//! length of its text are bounded.

use std::io::{self, Write};
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, Value};
use minijinja::{Environment, ErrorKind, context};
use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::error::{ModelError, Result};

/// Instructions of the template engine that a rendering may take.
const FUEL: u64 = 5_000_000;
/// Longest template and longest rendered text, in bytes.
const LONGEST_TEMPLATE: usize = 1 << 20;
const LONGEST_TEXT: usize = 1 << 24;

/// Formats the present time after a `strftime` pattern.
pub type Strftime = Arc<dyn Fn(&str) -> String + Send + Sync>;

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChatMessage {
    /// `"system"`, `"user"`, `"assistant"`.
    pub role: String,
    /// What it says.
    pub content: String,
}

/// What `tokenizer_config.json` and `chat_template.jinja` say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatFormat {
    settings: Map<String, Json>,
    template: Option<String>,
}

impl ChatFormat {
    /// From the keys of a `tokenizer_config.json` and a template, which goes before the one among the keys.
    pub(crate) fn new(mut settings: Map<String, Json>, template: Option<String>) -> Self {
        let inner = settings.remove("chat_template").and_then(|value| match value {
            Json::String(text) => Some(text),
            Json::Array(named) => named.iter().find_map(default_of),
            _ => None,
        });
        Self { settings, template: template.or(inner) }
    }

    /// The template.
    pub fn template(&self) -> Option<&str> {
        self.template.as_deref()
    }

    /// The text of a `tokenizer_config.json` without the template, which has a file of its own.
    pub(crate) fn settings_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(&self.settings).expect("JSON values serialise");
        text.push('\n');
        text
    }

    /// The prompt of a conversation (any list that serialises as messages, see [`ChatMessage`]);
    /// `add_generation_prompt` opens the model's turn.
    pub fn render(
        &self,
        messages: &impl Serialize,
        add_generation_prompt: bool,
        now: Option<Strftime>,
    ) -> Result<String> {
        let refuse = |reason: String| ModelError::ChatTemplate(reason);
        let source = self.template().ok_or_else(|| refuse("the model has none".to_owned()))?;
        if source.len() > LONGEST_TEMPLATE {
            return Err(refuse(format!("{} bytes, at most {LONGEST_TEMPLATE} are read", source.len())));
        }
        // These two tags mark what a model wrote, for training; they write nothing.
        let source = without_tags(source, &["generation", "endgeneration"]);
        let environment = environment(now)?;
        let said = |error: &minijinja::Error| {
            let mut text = error.to_string();
            let mut cause = std::error::Error::source(error);
            while let Some(inner) = cause {
                text.push_str(&format!(": {inner}"));
                cause = inner.source();
            }
            refuse(text)
        };
        let template = environment.template_from_str(&source).map_err(|error| said(&error))?;
        let mut values: Map<String, Json> = Map::new();
        for (name, value) in self.settings.iter().filter(|(name, _)| name.ends_with("_token")) {
            // Some files write tokens with their properties.
            let text = value.as_str().or_else(|| value.get("content")?.as_str());
            values.insert(name.clone(), text.map_or(Json::Null, Json::from));
        }
        let given = context! {
            messages => Serde(messages),
            add_generation_prompt,
            tools => (),
            documents => (),
            ..Value::from(Serde(&values))
        };
        let mut text = Bounded(Vec::new());
        template.render_captured_to(given, &mut text).map_err(|error| said(&error))?;
        String::from_utf8(text.0).map_err(|error| refuse(error.to_string()))
    }
}

/// The text of a named template, if it is the default one.
fn default_of(named: &Json) -> Option<String> {
    let is_default = named.get("name")?.as_str()? == "default";
    is_default.then(|| named.get("template")?.as_str().map(str::to_owned))?
}

fn environment(now: Option<Strftime>) -> Result<Environment<'static>> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.map_err(|error| ModelError::ChatTemplate(error.to_string()))?);
    environment.set_fuel(Some(FUEL));
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_filter("tojson", to_json);
    environment.add_function("raise_exception", |message: String| -> std::result::Result<Value, _> {
        Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
    });
    if let Some(now) = now {
        environment.add_function("strftime_now", move |format: String| now(&format));
    }
    Ok(environment)
}

/// As Python writes it: a space after separators, nothing escaped for HTML.
#[expect(clippy::needless_pass_by_value, reason = "the template engine hands options over")]
fn to_json(value: &Value, options: Kwargs) -> std::result::Result<String, minijinja::Error> {
    let failed = |error: serde_json::Error| {
        minijinja::Error::new(ErrorKind::BadSerialization, "cannot be written as JSON").with_source(error)
    };
    let indent: Option<usize> = options.get("indent")?;
    let mut bytes = Vec::new();
    if let Some(indent) = indent {
        let spaces = " ".repeat(indent.min(16));
        let formatter = serde_json::ser::PrettyFormatter::with_indent(spaces.as_bytes());
        value
            .serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, formatter))
            .map_err(failed)?;
    } else {
        value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Spaced)).map_err(failed)?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// `{"a": 1, "b": [2, 3]}`.
struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

/// Takes out `{% name %}`, with its dashes.
fn without_tags(source: &str, names: &[&str]) -> String {
    let mut kept = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(start) = rest.find("{%") {
        let Some(len) = rest[start..].find("%}") else { break };
        let inner = rest[start + 2..start + len].trim_matches(['-', '+']).trim();
        if names.contains(&inner) {
            // A comment keeps what the dashes and the trimming of blocks do.
            let tag = &rest[start + 2..start + len];
            let (left, right) = (tag.starts_with('-'), tag.ends_with('-'));
            kept.push_str(&rest[..start]);
            kept.push_str(&format!(
                "{{%{} if true %}}{{% endif {}%}}",
                if left { "-" } else { "" },
                if right { "-" } else { "" }
            ));
        } else {
            kept.push_str(&rest[..start + len + 2]);
        }
        rest = &rest[start + len + 2..];
    }
    kept.push_str(rest);
    kept
}

/// A text that refuses to grow beyond the bound.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > LONGEST_TEXT {
            return Err(io::Error::other(format!("the text grows beyond {LONGEST_TEXT} bytes")));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn format(template: &str) -> ChatFormat {
        let settings =
            json!({"bos_token": "<s>", "eos_token": {"content": "</s>"}, "chat_template": template});
        ChatFormat::new(settings.as_object().unwrap().clone(), None)
    }

    fn message(role: &str, content: &str) -> ChatMessage {
        ChatMessage { role: role.to_owned(), content: content.to_owned() }
    }

    fn render(template: &str) -> Result<String> {
        let messages = [message("user", " 1 < 2 "), message("assistant", "yes")];
        format(template).render(&messages, true, None)
    }

    #[test]
    fn templates_have_what_transformers_gives_them() {
        for (template, expected) in [
            (
                "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m['content'].strip() }}{% endfor %}{{ eos_token }}",
                "<s>[user]1 < 2[assistant]yes</s>",
            ),
            (
                "{% for m in messages %}\n  {% if m.role == 'user' %}\nU\n  {% endif %}\n{% endfor %}\nE",
                "U\nE",
            ),
            ("{{ messages[0] | tojson }}", r#"{"role": "user", "content": " 1 < 2 "}"#),
            ("{% if tools is none and not tools %}no tools{% endif %}", "no tools"),
            (
                "{% if strftime_now is defined %}{{ strftime_now('%Y') }}{% else %}26 Jul 2024{% endif %}",
                "26 Jul 2024",
            ),
            (
                "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}",
                "2",
            ),
            (
                "{% for m in messages %}{% if loop.index0 == 1 %}{% break %}{% endif %}{{ m.role }}{% endfor %}",
                "user",
            ),
            (
                "{{ 'a,b'.split(',')[-1] }}{{ 'x'.startswith('x') }}{% for k, v in {'k': 1}.items() %}{{ k }}{% endfor %}",
                "bTruek",
            ),
            ("{%- generation %}a{%- endgeneration %}", "a"),
            ("{{ messages[::-1][0].role }}{{ messages[0].missing }}", "assistant"),
        ] {
            assert_eq!(render(template).unwrap(), expected, "{template}");
        }
    }

    #[test]
    fn a_clock_may_be_given() {
        let now: Strftime = Arc::new(|format| format.replace("%Y", "2024"));
        let text = format("{{ strftime_now('year %Y') }}").render(&[0; 0], false, Some(now)).unwrap();
        assert_eq!(text, "year 2024");
    }

    #[test]
    fn refusals_endless_work_and_nonsense_are_errors() {
        for (template, reason) in [
            ("{{ raise_exception('roles must alternate') }}", "roles must alternate"),
            ("{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}", "fuel"),
            ("{% if %}", "syntax error"),
            ("{% set x = messages | list %}{{ x.append }}{{ nothing.more.of }}", "undefined"),
        ] {
            let error = render(template).unwrap_err().to_string();
            assert!(error.starts_with("chat template: ") && error.contains(reason), "{template}: {error}");
        }
        assert!(ChatFormat::default().render(&[0; 0], false, None).is_err());
    }

    #[test]
    fn named_templates_and_a_file_of_its_own() {
        let settings = json!({"chat_template": [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}]});
        let settings = settings.as_object().unwrap();
        assert_eq!(ChatFormat::new(settings.clone(), None).template(), Some("d"));
        assert_eq!(ChatFormat::new(settings.clone(), Some("f".to_owned())).template(), Some("f"));
        assert!(!format("x").settings_text().contains("chat_template"));
    }
}
