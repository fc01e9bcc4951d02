//! What is said about members that aren't known or have another type.

use super::*;

#[derive(Debug, PartialEq)]
struct Change {
    reason: Option<String>,
    generation: Option<u64>,
}

impl Members for Change {
    fn read(table: &Table<'_>) -> Change {
        Change {
            reason: table.get("reason").and_then(|item| item.any_text(8)).map(str::to_owned),
            generation: table.get("generation").and_then(|item| item.integer(1, 9)),
        }
    }
}

fn read(text: &str) -> Result<Change, String> {
    let node = Node::parse_json(text, 1).unwrap().at_line(None);
    members(&node, Vec::new(), "body").map_err(|problem| problem.detail())
}

#[test]
fn all_faults_are_told_at_once() {
    assert_eq!(read("{}"), Ok(Change { reason: None, generation: None }));
    let read_all = read(r#"{"reason": "a", "generation": 3}"#);
    assert_eq!(read_all, Ok(Change { reason: Some("a".to_owned()), generation: Some(3) }));
    let faults = read(r#"{"reson": "a", "generation": "3"}"#).unwrap_err();
    assert!(faults.contains("did you mean `reason`?"), "{faults}");
    assert!(faults.contains("generation: expected a whole number, 1 to 9"), "{faults}");
    assert!(read(r#"{"reason": "much too long"}"#).is_err());
    for other in ["[]", "3", "null", "\"reason\""] {
        assert!(read(other).is_err(), "{other}");
    }
}
