//! What is escaped, what stays, and that JSON keeps its value.

use std::path::Path;

use countersign_text::{MAX_QUOTED, is_invisible, json, line, path, quoted};

/// Characters that no reader sees, with their escapes.
const HIDDEN: &[(char, &str)] = &[
    ('\0', "\\u{0}"),
    ('\t', "\\t"),
    ('\n', "\\n"),
    ('\r', "\\r"),
    ('\u{1b}', "\\u{1b}"),
    ('\u{7f}', "\\u{7f}"),
    ('\u{85}', "\\u{85}"),
    ('\u{9b}', "\\u{9b}"),
    ('\u{a0}', "\\u{a0}"),
    ('\u{ad}', "\\u{ad}"),
    ('\u{34f}', "\\u{34f}"),
    ('\u{61c}', "\\u{61c}"),
    ('\u{115f}', "\\u{115f}"),
    ('\u{180e}', "\\u{180e}"),
    ('\u{2003}', "\\u{2003}"),
    ('\u{200b}', "\\u{200b}"),
    ('\u{200d}', "\\u{200d}"),
    ('\u{200e}', "\\u{200e}"),
    ('\u{2028}', "\\u{2028}"),
    ('\u{2029}', "\\u{2029}"),
    ('\u{202a}', "\\u{202a}"),
    ('\u{202e}', "\\u{202e}"),
    ('\u{2060}', "\\u{2060}"),
    ('\u{2066}', "\\u{2066}"),
    ('\u{2069}', "\\u{2069}"),
    ('\u{206f}', "\\u{206f}"),
    ('\u{2800}', "\\u{2800}"),
    ('\u{3164}', "\\u{3164}"),
    ('\u{e000}', "\\u{e000}"),
    ('\u{fdd0}', "\\u{fdd0}"),
    ('\u{fe00}', "\\u{fe00}"),
    ('\u{feff}', "\\u{feff}"),
    ('\u{fff9}', "\\u{fff9}"),
    ('\u{1d173}', "\\u{1d173}"),
    ('\u{e0001}', "\\u{e0001}"),
    ('\u{e0041}', "\\u{e0041}"),
    ('\u{e0101}', "\\u{e0101}"),
    ('\u{f0000}', "\\u{f0000}"),
    ('\u{10ffff}', "\\u{10ffff}"),
];

#[test]
fn what_is_not_seen_is_escaped() {
    for (c, escape) in HIDDEN {
        assert!(is_invisible(*c), "{escape}");
        assert_eq!(line(&format!("a{c}b")), format!("a{escape}b"));
        assert_eq!(quoted(&format!("{c}")), format!("`{escape}`"));
        assert_eq!(path(Path::new(&format!("x/{c}"))).to_string(), format!("x/{escape}"));
    }
}

#[test]
fn what_is_seen_stays() {
    for text in [
        "plain text, 1 < 2",
        "Zoë Müller",
        "Đặng",
        "Дмитрий",
        "محمد",
        "אבג",
        "山田 太郎",
        "हिन्दी",
        "❤\u{fe0f} 🎉",
        "a\\b",
    ] {
        assert_eq!(line(text), text);
    }
}

#[test]
fn a_quotation_cant_be_ended_from_within() {
    assert_eq!(quoted("a` is verified `b"), "`a\\u{60} is verified \\u{60}b`");
}

#[test]
fn marks_need_something_to_be_on_and_dont_pile_up() {
    assert_eq!(line("\u{301}a"), "\\u{301}a");
    assert_eq!(line("\n\u{301}"), "\\n\\u{301}");
    assert_eq!(line("e\u{301}\u{323}"), "e\u{301}\u{323}");
    let piled = line(&format!("a{}", "\u{301}".repeat(50)));
    assert_eq!(piled.chars().filter(|c| *c == '\u{301}').count(), 4);
    // A selector where there is no picture.
    assert_eq!(line("a\u{fe0f}"), "a\\u{fe0f}");
}

#[test]
fn long_text_is_cut() {
    assert_eq!(quoted(&"é".repeat(MAX_QUOTED)).chars().count(), MAX_QUOTED + 2);
    assert_eq!(quoted(&"é".repeat(200)).chars().count(), MAX_QUOTED + 3);
    assert!(line(&"\n".repeat(1 << 20)).len() < 1 << 16);
}

#[test]
fn json_keeps_its_value_and_its_ascii() {
    assert_eq!(json("{\"a\": \"\u{202e}é\u{e0041}\u{7f}\"}"), "{\"a\": \"\\u202eé\\udb40\\udc41\\u007f\"}");
    assert_eq!(json("{\n\t\"a\": 1}"), "{\n\t\"a\": 1}");
}
