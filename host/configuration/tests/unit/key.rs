//! Tests of the list of keys.

use std::collections::BTreeSet;

use super::*;
use crate::{Configuration, Overrides};

#[test]
fn every_key_is_listed_once_in_the_order_of_the_tables_and_is_shown() {
    let keys = keys();
    let places: BTreeSet<String> = keys.iter().map(Key::place).collect();
    assert_eq!(places.len(), keys.len());
    let mut tables: Vec<&str> = keys.iter().map(|key| key.table).collect();
    tables.dedup();
    assert_eq!(tables, TABLES.iter().map(|(table, _)| *table).collect::<Vec<_>>());
    let (configuration, _) = Configuration::read_all(None, &Overrides::default(), &|_| None);
    assert_eq!(configuration.shown().iter().map(|shown| shown.key).collect::<Vec<_>>(), keys);
}

#[test]
fn a_key_without_a_default_says_what_holds_without_it_and_others_have_a_default() {
    let (configuration, _) = Configuration::read_all(None, &Overrides::default(), &|_| None);
    for shown in configuration.shown() {
        let key = shown.key;
        assert_eq!(shown.value.is_null(), !key.unset.is_empty(), "{}", key.place());
        assert_eq!(key.unset.is_empty(), key.example.is_empty(), "{}", key.place());
        assert!(!key.about.contains('\n') && key.about.len() < 160, "{}", key.place());
    }
}

#[test]
fn the_reference_has_a_row_for_every_key() {
    let page = include_str!("../../../../docs/reference/configuration.md");
    for (table, _) in TABLES {
        let title = if table.is_empty() { "## The file".to_owned() } else { format!("## `[{table}]`") };
        let (_, section) = page.split_once(&format!("\n{title}\n")).unwrap_or_else(|| panic!("{title}"));
        let section = section.split("\n## ").next().unwrap();
        let rows: Vec<&str> = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        let names: Vec<&str> = keys().iter().filter(|key| key.table == *table).map(|key| key.name).collect();
        assert_eq!(rows.into_iter().filter(|row| *row != "version").collect::<Vec<_>>(), names, "{title}");
    }
}
