//! Ids that are what they look like, and those that aren't.

use super::*;

#[test]
fn ids_in_any_script_are_taken_as_they_are() {
    for text in [
        "alice",
        "Alice Smith",
        "svc-deploy@example.com",
        "bdGO=",
        "a/b+c_d.e:f%g'h",
        "Müller",
        "Łukasz",
        "Вера",
        "Ελένη",
        "山田太郎",
        "ヤマダ",
        "김철수",
        "أحمد",
        "मीरा",
        "alice-山田",
    ] {
        assert_eq!(fault(text), None, "{text}");
    }
}

#[test]
fn what_is_not_as_it_looks_is_a_fault() {
    for (text, expected) in [
        (" alice", "without spaces"),
        ("alice\t", "without spaces"),
        ("alice\u{a0}", "without spaces"),
        ("alice\u{3000}", "without spaces"),
        // A tab, a zero-width space, a soft hyphen, a byte-order mark, an override of direction, a tag.
        ("al\tice", "can be seen"),
        ("al\u{200b}ice", "can be seen"),
        ("al\u{ad}ice", "can be seen"),
        ("\u{feff}alice", "can be seen"),
        ("al\u{202e}eci", "can be seen"),
        ("alice\u{e0061}", "can be seen"),
        ("al\u{a0}ice", "can be seen"),
        ("alice\u{7f}", "can be seen"),
        // A composed letter written as two.
        ("Mu\u{308}ller", "normal form"),
        // Cyrillic and Greek letters among Latin ones.
        ("\u{430}lice", "one script"),
        ("alic\u{435}", "one script"),
        ("\u{3b1}lice", "one script"),
        ("cf\u{43e}-admin", "one script"),
        // Full-width and mathematical letters.
        ("\u{ff41}lice", "can be seen"),
        ("\u{1d5ba}lice", "can be seen"),
    ] {
        let found = fault(text).map_or("none", |(expected, _)| expected);
        assert!(found.contains(expected), "{text:?}: {found}");
    }
}

#[test]
fn letters_of_another_script_look_like_latin_ones() {
    assert_eq!(skeleton("\u{441}f\u{43e}"), skeleton("cfo"));
    assert_ne!(skeleton("Müller"), skeleton("Muller"));
}
