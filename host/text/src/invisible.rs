//! Which characters aren't seen, by the Unicode Character Database.

use unicode_properties::{GeneralCategory, UnicodeEmoji, UnicodeGeneralCategory as _};

/// Characters of other categories that are shown as nothing (`Default_Ignorable_Code_Point` of DerivedCoreProperties.txt,
/// without what their category tells), and the blank pattern of Braille.
const BLANK: &[char] = &[
    '\u{34f}', '\u{115f}', '\u{1160}', '\u{17b4}', '\u{17b5}', '\u{2800}', '\u{3164}', '\u{ffa0}', '\u{180b}',
    '\u{180c}', '\u{180d}', '\u{180f}',
];

/// Whether a character isn't seen as itself: control characters, line breaks, spaces other than the plain one, what turns
/// the direction of text or has no width, private and unassigned characters, tags and variation selectors.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    let by_category = matches!(
        c.general_category(),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::SpaceSeparator
            | GeneralCategory::PrivateUse
            | GeneralCategory::Surrogate
            | GeneralCategory::Unassigned
    );
    by_category || BLANK.contains(&c) || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a character is shown on the one before it.
pub(crate) fn is_mark(c: char) -> bool {
    !c.is_ascii() && matches!(c.general_category(), GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark)
}

/// Whether a character can be shown as a coloured picture.
pub(crate) fn is_emoji_like(c: char) -> bool {
    !c.is_ascii() && c.is_emoji_char()
}
