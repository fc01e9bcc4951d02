//! Text without regard to case: Unicode simple case folding, which knows no locale.

/// A character folded: statuses C and S of Unicode's `CaseFolding.txt` (version 16.0), never those of Turkic languages.
/// One character becomes one, so `ß` stays and `ẞ` becomes `ß`, and nothing is composed or decomposed. Unicode never
/// changes the folding of a character that has been assigned.
#[must_use]
pub fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    unicode_case_mapping::case_folded(c).and_then(|folded| char::from_u32(folded.get())).unwrap_or(c)
}

/// Text folded character by character. Two texts are the same without regard to case when they fold to the same.
#[must_use]
pub fn fold_case(text: &str) -> String {
    text.chars().map(fold_char).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_every_alphabet_lose_their_case_and_nothing_else() {
        for (text, folded) in [
            ("SVC-Backup$", "svc-backup$"),
            ("ÉCOLE", "école"),
            ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
            ("σίσυφος", "σίσυφοσ"),
            ("ЖУК", "жук"),
            ("STRAẞE", "straße"),
            ("straße", "straße"),
            // The Kelvin sign is a K.
            ("\u{212a}", "k"),
            // The dotted capital I folds to one character only where the language is Turkic.
            ("İI", "İi"),
            ("日本", "日本"),
            ("", ""),
        ] {
            assert_eq!(fold_case(text), folded, "{text}");
        }
    }

    #[test]
    fn what_is_folded_stays_as_it_is() {
        for c in char::MIN..=char::MAX {
            assert_eq!(fold_char(fold_char(c)), fold_char(c), "{c:?}");
        }
    }
}
