//! Context tables. [`rule!`](crate::rule!) makes a method for each declared table and column over these.

use core::marker::PhantomData;
use core::net::IpAddr;

use crate::bindings::detect::{self, Column, ContextTable, Keying, TableAvailability};
use crate::column;
use crate::event::NO_KEY;
use crate::time::Timestamp;

/// All declared tables as they are for one row of the batch.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a> {
    tables: &'a [ContextTable],
    row: u32,
    key: u32,
}

impl<'a> Tables<'a> {
    pub(crate) fn new(tables: &'a [ContextTable], row: u32, key: u32) -> Self {
        Tables { tables, row, key }
    }

    /// The table at this place of the declared order.
    #[must_use]
    pub fn table<T: From<Row<'a>>>(&self, index: usize) -> Table<'a, T> {
        Table { table: self.tables.get(index), row: self.row, key: self.key, rows: PhantomData }
    }
}

/// Whether a table, or what it says about a row, can be had and how old it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// It can't be had, or not all of it: values that are there may be used.
    Missing,
    /// Older than the declared greatest age; as of this time.
    Stale(Timestamp),
    /// As of this time.
    Fresh(Timestamp),
}

/// One declared table; `T` has a method for each declared column.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a, T> {
    table: Option<&'a ContextTable>,
    row: u32,
    key: u32,
    rows: PhantomData<fn() -> T>,
}

impl<'a, T: From<Row<'a>>> Table<'a, T> {
    /// Whether it can be had and how old it is: for this row or its key, where the table is by row or by key.
    #[must_use]
    pub fn availability(&self) -> Availability {
        match self.table.and_then(|table| self.of_place(table)) {
            None | Some(detect::Availability::Missing) => Availability::Missing,
            Some(detect::Availability::Stale(at)) => Availability::Stale(Timestamp::from_micros(at)),
            Some(detect::Availability::Fresh(at)) => Availability::Fresh(Timestamp::from_micros(at)),
        }
    }

    fn of_place(&self, table: &ContextTable) -> Option<detect::Availability> {
        match (&table.availability, self.place(table)) {
            (_, None) if table.keying != Keying::ByBatch => None,
            (TableAvailability::Whole(one), _) => Some(*one),
            (TableAvailability::Each(rows), place) => rows.get(place?).copied(),
        }
    }

    /// Which of the table's rows is this row's.
    fn place(&self, table: &ContextTable) -> Option<usize> {
        let place = match table.keying {
            Keying::ByRow => self.row,
            Keying::ByKey if self.key != NO_KEY => self.key,
            Keying::ByKey | Keying::ByBatch => return None,
        };
        (place < table.rows).then_some(place as usize)
    }

    /// Whether it can be had, as [`availability`](Self::availability) says, and isn't older than declared.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        matches!(self.availability(), Availability::Fresh(_))
    }

    /// What it says about this row, if the table is by row and the host has it.
    #[must_use]
    pub fn of_row(&self) -> Option<T> {
        self.own(Keying::ByRow)
    }

    /// What it says about this row's key, if the table is by key, the row has a key and the host has the table.
    #[must_use]
    pub fn of_key(&self) -> Option<T> {
        self.own(Keying::ByKey)
    }

    fn own(&self, keying: Keying) -> Option<T> {
        let table = self.table.filter(|table| table.keying == keying)?;
        self.place(table).map(|row| T::from(Row { columns: &table.columns, row }))
    }

    /// Every row, if the table is the batch's. Other tables show only what is this row's: see
    /// [`of_row`](Self::of_row) and [`of_key`](Self::of_key).
    pub fn rows(&self) -> impl Iterator<Item = T> + use<'a, T> {
        let table = self.table.filter(|table| table.keying == Keying::ByBatch);
        table
            .into_iter()
            .flat_map(|table| (0..table.rows as usize).map(|row| T::from(Row { columns: &table.columns, row })))
    }
}

/// One row of a table, by place of the column in declared order.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    columns: &'a [Column],
    row: usize,
}

/// Methods that read the column at a place of the declared order, where it has a value.
macro_rules! readers {
    ($($(#[$meta:meta])* $name:ident -> $ty:ty;)+) => {
        impl<'a> Row<'a> {
            $(
                $(#[$meta])*
                #[must_use]
                pub fn $name(&self, column: usize) -> Option<$ty> {
                    self.columns.get(column).and_then(|column| column::$name(column, self.row))
                }
            )+
        }
    };
}

readers! {
    /// Of type unsigned.
    unsigned -> u64;
    /// Of type signed.
    signed -> i64;
    /// Of type float.
    float -> f64;
    /// Of type boolean.
    boolean -> bool;
    /// Of type text.
    text -> &'a str;
    /// Of type text-list.
    texts -> crate::Texts<'a>;
    /// Of type address.
    address -> IpAddr;
    /// Of type json.
    json -> &'a str;
}

impl Row<'_> {
    /// Of type timestamp.
    #[must_use]
    pub fn timestamp(&self, column: usize) -> Option<Timestamp> {
        self.columns.get(column).and_then(|column| column::timestamp(column, self.row)).map(Timestamp::from_micros)
    }
}
