//! The secret that TCP and HTTP ask for: 256 random bits in a file that only the user can read.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use subtle::ConstantTimeEq;

/// A token, made anew at every start of the daemon.
#[derive(Clone)]
pub struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token(hidden)")
    }
}

impl Token {
    /// A fresh one.
    pub fn random() -> std::io::Result<Self> {
        let mut bytes = [0; 32];
        #[expect(
            clippy::disallowed_methods,
            reason = "a secret must come from entropy; no result depends on it"
        )]
        getrandom::fill(&mut bytes).map_err(std::io::Error::from)?;
        Ok(Self(bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))))
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Is this the token? Takes the same time whatever differs.
    pub fn matches(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }

    /// Writes it into a file of mode 0600, in place of an old one.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        // A fresh file: an old one could have another mode, or be open elsewhere.
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = std::fs::File::options().write(true).create_new(true).mode(0o600).open(path)?;
        writeln!(file, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn tokens_differ_and_only_the_user_reads_them() {
        let (first, second) = (Token::random().unwrap(), Token::random().unwrap());
        assert_eq!(first.text().len(), 64);
        assert!(first.matches(first.text()) && !first.matches(second.text()) && !first.matches(""));
        assert!(!format!("{first:?}").contains(first.text()));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        first.write(&path).unwrap();
        second.write(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap().trim(), second.text());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
