//! Numbers of generations in words.

use super::*;

#[test]
fn numbers_are_listed_in_runs() {
    assert_eq!(listed(&[]), "none: nothing else has served");
    assert_eq!(listed(&[1]), "1");
    assert_eq!(listed(&[1, 2, 4, 6, 7, 8]), "1, 2, 4, 6 to 8");
    let many: Vec<u64> = (1..=100).map(|number| number * 2).collect();
    let text = listed(&many);
    assert!(text.starts_with("…, 138, ") && text.ends_with("198, 200"), "{text}");
}

#[test]
fn whoever_asks_for_none_hears_which_there_are() {
    let error = ApplyError::Unknown { number: 9, again: vec![1, 2, 3, 5] };
    let expected = "expected the number of a generation that can serve again (1 to 3, 5), got 9, which none has";
    assert_eq!(error.to_string(), expected);
}
