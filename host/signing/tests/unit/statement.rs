//! Statements: one form, and what isn't one.

use super::*;

fn statement(data: Option<Digest>) -> Statement {
    let (code, declaration) = (Digest::of(b"code"), Digest::of(b"declaration"));
    Statement { rule: "acme/watch".parse().unwrap(), version: "1.2.3".to_owned(), code, declaration, data }
}

#[test]
fn a_statement_is_canonical_json_and_reads_back() {
    let bytes = statement(None).to_bytes();
    assert_eq!(
        String::from_utf8(bytes).unwrap(),
        format!(
            "{{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicate\":{{\"rule\":\"acme/watch\",\"version\":\
             \"1.2.3\"}},\"predicateType\":\"urn:countersign:rule:v1\",\"subject\":[{{\"digest\":{{\"sha256\":\"{}\"\
             }},\"name\":\"component\"}},{{\"digest\":{{\"sha256\":\"{}\"}},\"name\":\"declaration\"}}]}}",
            Digest::of(b"code"),
            Digest::of(b"declaration")
        )
    );
    for data in [None, Some(Digest::of(b"data"))] {
        assert_eq!(Statement::read(&statement(data).to_bytes()), Ok(statement(data)));
    }
}

#[test]
fn anything_else_is_none() {
    let text = String::from_utf8(statement(Some(Digest::of(b"data"))).to_bytes()).unwrap();
    let component = format!("{{\"digest\":{{\"sha256\":\"{}\"}},\"name\":\"component\"}},", Digest::of(b"code"));
    assert!(text.contains(&component));
    for other in [
        String::new(),
        "{}".to_owned(),
        text.replace("Statement/v1", "Statement/v0.1"),
        text.replace("rule:v1", "rule:v2"),
        text.replace("acme/watch", "acme"),
        text.replace("acme/watch", "Acme/watch"),
        text.replace("\"component\"", "\"code\""),
        text.replace("\"data\"", "\"notes\""),
        // Something more, missing, twice, or in another order.
        text.replace("\"version\"", "\"more\":1,\"version\""),
        text.replace(&component, ""),
        text.replace(&component, &format!("{component}{component}")),
        text.replace(&component, "").replace("]}", &format!(",{}]}}", component.trim_end_matches(','))),
        text.replace(":{", ": {"),
        format!("{text} "),
        text[..text.len() - 1].to_owned(),
    ] {
        assert_ne!(other, text);
        assert!(Statement::read(other.as_bytes()).is_err(), "{other}");
    }
}
