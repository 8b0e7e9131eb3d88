//! Files: no text makes the slicer panic, places lie within the text, a slice is itself a file with the function, and a
//! literal that is read is read again from its own text.
#![no_main]

use azr_daemon_fuzz::reason::literal::{is_literal, parse_arguments};
use azr_daemon_fuzz::slice::SourceFile;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let Ok(file) = SourceFile::parse(&text) else { return };
    for function in file.functions() {
        assert_eq!(text.get(function.name_range.clone()), Some(function.name.as_str()));
        assert!(text.get(function.range.clone()).is_some());
        let Ok(slice) = file.slice(&function.name) else { continue };
        assert_eq!(slice.lines.len(), slice.program.split('\n').count() - 1, "every line has its place in the file");
        let again = SourceFile::parse(&slice.program).expect("a slice is no larger than its file");
        assert!(
            again.functions().iter().any(|one| one.name == function.name),
            "{:?} lost its function {}",
            slice.program,
            function.name
        );
    }
    for claim in file.claims() {
        assert!(text.get(claim.range.clone()).is_some_and(|call| call.starts_with(&claim.function)));
        assert!(parse_arguments(&claim.input).is_some());
        if let (Some(expected), Some(range)) = (&claim.expected, &claim.expected_range) {
            assert_eq!(text.get(range.clone()), Some(expected.as_str()));
            assert!(is_literal(expected));
        }
    }
});
