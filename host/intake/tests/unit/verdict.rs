//! Verdicts as text, and what isn't one.

use super::*;

fn refused() -> Verdict {
    let one = Refusal::new(RefusalCode::WasmMalformed, "byte 8", "valid WebAssembly", "`\\u{1b}[31m`");
    let mut other = Refusal::new(RefusalCode::UnknownAction, "actions[0]", "an action", "`notfy`")
        .with_hint(Some("did you mean `notify`?".to_owned()));
    other.diagnostic.line = Some(3);
    Verdict::Refused(vec![one, other])
}

#[test]
fn a_verdict_is_read_as_it_was_written() {
    let rule = Digest::of(b"rule");
    for verdict in [Verdict::Admitted, refused()] {
        assert_eq!(Verdict::read(&verdict.write(rule), rule), Some(verdict.clone()));
        assert_eq!(Verdict::read(&verdict.write(rule), Digest::of(b"another")), None);
    }
}

#[test]
fn anything_else_is_none() {
    let rule = Digest::of(b"rule");
    let whole = String::from_utf8(refused().write(rule)).unwrap();
    for (what, with) in
        [("\"refusals\"", "\"reasons\""), ("wasm-malformed", "wasm-fine"), ("\"got\"", "\"gut\""), ("{", "[{")]
    {
        assert_eq!(Verdict::read(whole.replacen(what, with, 1).as_bytes(), rule), None, "{with}");
    }
    for length in 0..whole.len() {
        assert_eq!(Verdict::read(&whole.as_bytes()[..length], rule), None, "{length}");
    }
    assert_eq!(Verdict::read(&vec![b' '; usize::try_from(MAX_VERDICT).unwrap() + 1], rule), None);
}

#[test]
fn what_a_terminal_acts_on_is_escaped() {
    let rule = Digest::of(b"rule");
    let forged = Verdict::Refused(vec![Refusal::new(RefusalCode::WasmMalformed, "a\x1b[2Jb", "x\ny", "z\u{202e}")]);
    let Some(Verdict::Refused(read)) = Verdict::read(&forged.write(rule), rule) else { panic!("refused") };
    assert_eq!(read[0].to_string(), "wasm-malformed  a\\u{1b}[2Jb: expected x\\ny, got z\\u{202e}");
}
