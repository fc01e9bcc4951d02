//! Reads lists of values: plain ones, sets, and lists of tables.

use crate::item::Item;
use crate::node::NodeValue;
use crate::reader::Problem;
use crate::table::Table;
use countersign_text::quoted;

impl<'n, C: From<Problem>> Item<'n, C> {
    /// A list of `min` to `max` values; none if any of them is at fault, after all were read.
    pub fn list<T>(
        &self,
        (min, max): (usize, usize),
        mut read: impl FnMut(Item<'n, C>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let NodeValue::List(items) = &self.node().value else { return self.wrong_type("a list") };
        let fits = (min..=max).contains(&items.len());
        if !fits {
            let expected = if max == usize::MAX {
                format!("a list of at least {min}")
            } else {
                format!("a list of {min} to {max}")
            };
            self.refuse::<()>(Problem::OutOfRange, expected, format!("a list of {}", items.len()), None);
        }
        let mut valid = fits;
        let mut values = Vec::new();
        for node in items.iter().take(max) {
            match read(self.reader().item(node)) {
                Some(value) => values.push(value),
                None => valid = false,
            }
        }
        valid.then_some(values)
    }

    /// A list as [`Item::list`] reads it, whose members differ.
    pub fn set<T: PartialEq>(
        &self,
        bounds: (usize, usize),
        mut read: impl FnMut(Item<'n, C>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut seen: Vec<(T, &'n str)> = Vec::new();
        self.list(bounds, |item| {
            let value = read(item)?;
            if let Some((_, earlier)) = seen.iter().find(|(earlier, _)| *earlier == value) {
                let expected = format!("a value other than that of {earlier}");
                return item.refuse(Problem::DuplicateValue, expected, item.node().described(), None);
            }
            seen.push((value, &item.node().place));
            Some(())
        })?;
        Some(seen.into_iter().map(|(value, _)| value).collect())
    }

    /// A list of at most `max` tables whose `key` differs.
    pub fn named_tables<T>(
        &self,
        max: usize,
        key: &'static str,
        mut read: impl FnMut(Table<'n, C>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut seen: Vec<(&str, &'n str)> = Vec::new();
        self.list((0, max), |item| {
            let table = item.table()?;
            let name = table.get(key).filter(|item| item.node().as_text().is_some());
            let mut distinct = true;
            if let Some((item, name)) = name.and_then(|item| Some((item, item.node().as_text()?))) {
                match seen.iter().find(|(earlier, _)| *earlier == name) {
                    Some((_, earlier)) => {
                        let expected = format!("another {key} than that of {earlier}");
                        item.refuse::<()>(Problem::DuplicateValue, expected, quoted(name), None);
                        distinct = false;
                    }
                    None => seen.push((name, table.place())),
                }
            }
            read(table).filter(|_| distinct)
        })
    }
}
