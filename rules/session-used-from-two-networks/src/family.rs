//! Families of operating systems, by the names that sources give them.

use core::fmt;

/// A family. The numbers are part of stored state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Windows = 1,
    MacOs = 2,
    Ios = 3,
    Android = 4,
    ChromeOs = 5,
    Linux = 6,
}

/// Each with its name for people, and what names begin with; the first that fits counts.
const NAMES: [(Family, &str, &[&str]); 6] = [
    (Family::Windows, "Windows", &["windows"]),
    // `Mac OS X (iPhone)` is how Okta writes iOS.
    (Family::Ios, "iOS", &["ios", "ipados", "iphone", "ipad", "mac os x (iphone", "mac os x (ipad", "mac os x (ipod"]),
    (Family::MacOs, "macOS", &["mac"]),
    (Family::Android, "Android", &["android"]),
    (Family::ChromeOs, "ChromeOS", &["chrome os", "chromeos", "cros"]),
    (Family::Linux, "Linux", &["linux", "ubuntu", "debian", "fedora", "red hat"]),
];

impl Family {
    /// The family of a name such as `Windows 10`; none for an unknown one, such as `Unknown`: that a system isn't known
    /// doesn't make it a different one.
    pub(crate) fn of(name: &str) -> Option<Family> {
        let begins = |with: &&str| {
            let begin = name.as_bytes().get(..with.len());
            begin.is_some_and(|begin| begin.eq_ignore_ascii_case(with.as_bytes()))
        };
        NAMES.iter().find(|(_, _, begin)| begin.iter().any(begins)).map(|(family, ..)| *family)
    }

    /// The family of its byte in state; none for zero.
    pub(crate) fn from_byte(byte: u8) -> Option<Family> {
        NAMES.iter().find(|(family, ..)| *family as u8 == byte).map(|(family, ..)| *family)
    }

    /// Whether one device shows as both: a tablet that asks for desktop pages, an Android machine that runs Linux
    /// programs.
    pub(crate) fn shows_as(self, other: Family) -> bool {
        let pair = |one, two| (self, other) == (one, two) || (other, self) == (one, two);
        pair(Family::Ios, Family::MacOs)
            || pair(Family::Android, Family::Linux)
            || pair(Family::ChromeOs, Family::Linux)
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(family, ..)| family == self).map_or("", |(_, name, _)| name);
        f.write_str(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_known_by_the_names_that_sources_give_them() {
        for (name, expected) in [
            ("Windows 10", Some(Family::Windows)),
            ("windows", Some(Family::Windows)),
            ("Mac OS X", Some(Family::MacOs)),
            ("Mac OS 14.4.1 (Sonoma)", Some(Family::MacOs)),
            ("macOS", Some(Family::MacOs)),
            ("Mac OS X (iPhone)", Some(Family::Ios)),
            ("iOS 17.2", Some(Family::Ios)),
            ("Android 14", Some(Family::Android)),
            ("Chrome OS", Some(Family::ChromeOs)),
            ("Ubuntu", Some(Family::Linux)),
            ("Unknown", None),
            ("", None),
            ("Wind", None),
            ("wïndows", None),
        ] {
            assert_eq!(Family::of(name), expected, "{name}");
        }
    }

    #[test]
    fn families_survive_state() {
        for (family, name, _) in NAMES {
            assert_eq!(Family::from_byte(family as u8), Some(family));
            assert_eq!(family.to_string(), name);
            assert!(!family.shows_as(family));
        }
        assert_eq!((Family::from_byte(0), Family::from_byte(7)), (None, None));
    }
}
