//! Files that hold evidence: audit files, journals, blobs, stores, dead letters, cases made of findings. They are made with
//! mode 0600 in folders of mode 0700, whatever the umask is, and are never wider in between. What isn't a regular file is
//! refused, and is never waited for: a symbolic link would lead elsewhere, a pipe gives other bytes when it is read again.
//!
//! INVARIANT: every file with such content is opened here; `tests/tidy.rs` looks for other ways.

mod failed;
mod folder;
mod open;
mod refused;
mod replace;

pub use self::failed::FileError;
pub use self::folder::{check_folder, make_folder, make_new_folder};
pub use self::open::{
    append, append_as_it_is, append_or_create, check, close_to_others, create, create_new, read, tighten,
};
pub use self::refused::NotRegular;
pub use self::replace::replace;

/// The mode of files: only their owner reads and writes.
const FILE: u32 = 0o600;

/// The mode of folders: only their owner lists them and enters.
const FOLDER: u32 = 0o700;

/// The permission bits of a mode.
const PERMISSIONS: u32 = 0o7777;
