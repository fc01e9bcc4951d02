//! The two shapes in which CloudTrail records are stored.

use std::io::{self, Write};

use crate::disorder::Delivered;

/// Writes one record a line; how many.
///
/// # Errors
///
/// Where writing fails.
pub fn write_ndjson(records: impl IntoIterator<Item = Delivered>, out: &mut impl Write) -> io::Result<u64> {
    let mut count = 0;
    for record in records {
        out.write_all(record.line.as_bytes())?;
        out.write_all(b"\n")?;
        count += 1;
    }
    Ok(count)
}

/// Writes one `{"Records":[…]}` object; how many records. Truncated records make the whole not JSON.
///
/// # Errors
///
/// Where writing fails.
pub fn write_records_object(records: impl IntoIterator<Item = Delivered>, out: &mut impl Write) -> io::Result<u64> {
    let mut count = 0;
    out.write_all(b"{\"Records\":[")?;
    for record in records {
        if count > 0 {
            out.write_all(b",")?;
        }
        out.write_all(record.line.as_bytes())?;
        count += 1;
    }
    out.write_all(b"]}\n")?;
    Ok(count)
}
