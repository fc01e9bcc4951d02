//! The families of operating systems, so that an update of one isn't another system.

use crate::documentation::Table;

/// Beginnings of the names of systems, whatever the case, and its family; the first that fits.
pub(crate) const FAMILIES: &[(&str, &str)] = &[
    ("Mac OS X (iPhone)", "iOS"),
    ("Mac OS X (iPad)", "iOS"),
    ("Mac", "macOS"),
    ("OS X", "macOS"),
    ("iOS", "iOS"),
    ("iPad", "iOS"),
    ("iPhone", "iOS"),
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("Chrome OS", "ChromeOS"),
    ("ChromeOS", "ChromeOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
    ("Ubuntu", "Linux"),
    ("Fedora", "Linux"),
    ("Debian", "Linux"),
    ("Red Hat", "Linux"),
];

/// The family of a system; none of one that the table doesn't know.
pub(crate) fn family(system: &str) -> Option<&'static str> {
    let begins = |beginning: &str| system.get(..beginning.len()).is_some_and(|of| of.eq_ignore_ascii_case(beginning));
    FAMILIES.iter().find(|(beginning, _)| begins(beginning)).map(|(_, family)| *family)
}

/// The table, for the documentation.
pub(crate) fn table() -> Table {
    let rows = FAMILIES.iter().map(|(beginning, family)| vec![format!("`{beginning}…`"), (*family).to_owned()]);
    let rest = vec!["any other".to_owned(), "absent".to_owned()];
    Table { name: "operating systems", head: &["system", "family"], rows: rows.chain([rest]).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_changes_no_family() {
        for (system, expected) in [
            ("Mac OS 14.4.1 (Sonoma)", Some("macOS")),
            ("macOS", Some("macOS")),
            ("Mac OS X (iPhone)", Some("iOS")),
            ("Windows 10", Some("Windows")),
            ("WINDOWS 11", Some("Windows")),
            ("Chrome OS 14.2", Some("ChromeOS")),
            ("Unknown", None),
            ("Wïndows", None),
            ("", None),
        ] {
            assert_eq!(family(system), expected, "{system}");
        }
    }
}
