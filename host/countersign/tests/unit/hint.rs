//! Commands in texts.

use super::*;

#[test]
fn commands_of_a_host_get_its_options_and_others_stay() {
    for (text, expected) in [
        ("none here", "none here"),
        ("`countersign run`", "`countersign run --state s`"),
        (
            "see `countersign plan`, then `countersign apply --digest 3f`: it `serves`",
            "see `countersign plan --state s`, then `countersign apply --digest 3f --state s`: it `serves`",
        ),
        ("`countersign rules status`", "`countersign rules status --state s`"),
        ("`countersign audit rekey`", "`countersign audit rekey --state s`"),
        ("`countersign plan --config c.toml`", "`countersign plan --config c.toml`"),
        ("`countersign restore DIR --state new`", "`countersign restore DIR --state new`"),
        ("`countersign rule build`", "`countersign rule build`"),
        ("`countersign audit verify x`", "`countersign audit verify x`"),
        ("`countersign nothing`", "`countersign nothing`"),
        ("`countersign unclosed", "`countersign unclosed"),
    ] {
        assert_eq!(complete(text, " --state s"), expected);
    }
}

#[test]
fn words_are_quoted_where_a_shell_would_divide_them() {
    for (word, expected) in [("conf/a.toml", "conf/a.toml"), ("a b", "'a b'"), ("", "''"), ("it's", r"'it'\''s'")] {
        assert_eq!(shell_word(word), expected);
    }
}
