//! A JSON reader that accepts what Python's `json` writes: integers of any size, `NaN`, `Infinity`.

use super::PythonData;

/// Deepest nesting that is read.
const DEPTH_BOUND: usize = 128;

/// Why a text is not JSON.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at byte {position}")]
pub struct JsonError {
    /// What was expected or found.
    pub message: &'static str,
    /// Where.
    pub position: usize,
}

/// Reads one JSON value.
pub fn parse_json(text: &str) -> Result<PythonData, JsonError> {
    let mut reader = Reader { text, position: 0 };
    let value = reader.value(0)?;
    reader.skip_space();
    if reader.position == text.len() { Ok(value) } else { Err(reader.error("text after the value")) }
}

struct Reader<'a> {
    text: &'a str,
    position: usize,
}

impl Reader<'_> {
    fn error(&self, message: &'static str) -> JsonError {
        JsonError { message, position: self.position }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.position += 1;
        }
    }

    fn expect(&mut self, byte: u8, message: &'static str) -> Result<(), JsonError> {
        if self.peek() == Some(byte) {
            self.position += 1;
            Ok(())
        } else {
            Err(self.error(message))
        }
    }

    fn word(&mut self, word: &str, value: PythonData) -> Option<PythonData> {
        self.text[self.position..].starts_with(word).then(|| {
            self.position += word.len();
            value
        })
    }

    fn value(&mut self, depth: usize) -> Result<PythonData, JsonError> {
        if depth > DEPTH_BOUND {
            return Err(self.error("nested too deeply"));
        }
        self.skip_space();
        match self.peek() {
            Some(b'[') => self.list(depth),
            Some(b'{') => self.dict(depth),
            Some(b'"') => self.string().map(PythonData::Str),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => None
                .or_else(|| self.word("null", PythonData::None))
                .or_else(|| self.word("true", PythonData::Bool(true)))
                .or_else(|| self.word("false", PythonData::Bool(false)))
                .or_else(|| self.word("NaN", PythonData::Float("NaN".into())))
                .or_else(|| self.word("Infinity", PythonData::Float("Infinity".into())))
                .ok_or_else(|| self.error("no value")),
        }
    }

    fn list(&mut self, depth: usize) -> Result<PythonData, JsonError> {
        self.position += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.peek() == Some(b']') {
            self.position += 1;
            return Ok(PythonData::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.skip_space();
            if self.peek() == Some(b']') {
                self.position += 1;
                return Ok(PythonData::List(items));
            }
            self.expect(b',', "no comma")?;
        }
    }

    fn dict(&mut self, depth: usize) -> Result<PythonData, JsonError> {
        self.position += 1;
        let mut entries = Vec::new();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.position += 1;
            return Ok(PythonData::Dict(entries));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.error("no key"));
            }
            let key = PythonData::Str(self.string()?);
            self.skip_space();
            self.expect(b':', "no colon")?;
            entries.push((key, self.value(depth + 1)?));
            self.skip_space();
            if self.peek() == Some(b'}') {
                self.position += 1;
                return Ok(PythonData::Dict(entries));
            }
            self.expect(b',', "no comma")?;
        }
    }

    fn number(&mut self) -> Result<PythonData, JsonError> {
        let start = self.position;
        if self.peek() == Some(b'-') {
            self.position += 1;
            if self.word("Infinity", PythonData::None).is_some() {
                return Ok(PythonData::Float("-Infinity".into()));
            }
        }
        let leading_zero = self.peek() == Some(b'0');
        let digits = self.digits()?;
        if leading_zero && digits > 1 {
            return Err(self.error("a leading zero"));
        }
        let mut float = false;
        if self.peek() == Some(b'.') {
            float = true;
            self.position += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            float = true;
            self.position += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.position += 1;
            }
            self.digits()?;
        }
        let text = self.text[start..self.position].to_owned();
        Ok(if float { PythonData::Float(text) } else { PythonData::Int(text) })
    }

    fn digits(&mut self) -> Result<usize, JsonError> {
        let start = self.position;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.position += 1;
        }
        if self.position > start { Ok(self.position - start) } else { Err(self.error("no digit")) }
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.position += 1;
        let mut value = String::new();
        loop {
            let rest = &self.text[self.position..];
            let length = rest.find(['"', '\\']).ok_or_else(|| self.error("an open string"))?;
            value.push_str(&rest[..length]);
            self.position += length + 1;
            if rest.as_bytes()[length] == b'"' {
                return Ok(value);
            }
            let escape = self.peek().ok_or_else(|| self.error("an open escape"))?;
            self.position += 1;
            value.push(match escape {
                b'"' => '"',
                b'\\' => '\\',
                b'/' => '/',
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'u' => self.unicode_escape()?,
                _ => return Err(JsonError { message: "an unknown escape", position: self.position - 1 }),
            });
        }
    }

    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        let first = self.four_digits()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first).ok_or_else(|| self.error("a lone surrogate"));
        }
        if !self.text[self.position..].starts_with("\\u") {
            return Err(self.error("a lone surrogate"));
        }
        self.position += 2;
        let second = self.four_digits()?;
        if !(0xdc00..0xe000).contains(&second) {
            return Err(self.error("a lone surrogate"));
        }
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
            .ok_or_else(|| self.error("a lone surrogate"))
    }

    fn four_digits(&mut self) -> Result<u32, JsonError> {
        let digits =
            self.text.get(self.position..self.position + 4).ok_or_else(|| self.error("a short escape"))?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(self.error("a short escape"));
        }
        self.position += 4;
        u32::from_str_radix(digits, 16).map_err(|_| self.error("a short escape"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_python_writes() {
        assert_eq!(parse_json(" [ ] ").unwrap(), PythonData::List(Vec::new()));
        assert_eq!(parse_json("{}").unwrap(), PythonData::Dict(Vec::new()));
        let digits = "9".repeat(500);
        assert_eq!(parse_json(&digits).unwrap(), PythonData::Int(digits));
        assert_eq!(parse_json("-Infinity").unwrap(), PythonData::Float("-Infinity".into()));
        assert_eq!(parse_json(r#""\ud83d\ude00\u0041\/""#).unwrap(), PythonData::Str("😀A/".into()));
        assert_eq!(
            parse_json("{\"a\": {\"b\": 1e5}}").unwrap().get("a").unwrap().get("b").unwrap().literal(),
            "1e5"
        );
    }

    #[test]
    fn refuses_what_is_not_json() {
        for bad in [
            "",
            "[",
            "[1,]",
            "{1: 2}",
            "{\"a\" 1}",
            "01",
            "1.",
            "1e",
            "-",
            "\"",
            "\"\\",
            "\"\\u12",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\\udc00\"",
            "\"\\q\"",
            "1 2",
            "nul",
            "\"\\u00é1\"",
        ] {
            assert!(parse_json(bad).is_err(), "{bad}");
        }
        assert_eq!(parse_json(&"[".repeat(100_000)).unwrap_err().message, "nested too deeply");
    }
}
