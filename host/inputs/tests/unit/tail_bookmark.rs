//! Bookmarks of files read back, and nothing else is one.

use std::path::PathBuf;

use super::Bookmark;
use crate::tail::content::{Content, Part};
use crate::tail::file::FileId;

#[test]
fn texts_are_read_back_and_others_refused() {
    let content =
        Content { head: Part::of(b"begins"), before: Part::of(b"before"), position: "17.4096.list".parse().unwrap() };
    for path in ["/var/log/app.log", "a b%\n\u{e9}", ""] {
        let bookmark = Bookmark { id: FileId { device: 0x801, inode: u64::MAX }, content, path: PathBuf::from(path) };
        let text = bookmark.to_string();
        assert_eq!(Bookmark::read("in", &text), Ok(bookmark));
        for other in
            [format!("2{text}"), format!("{text} "), text.replace("17.4096", "017.4096"), text[..40].to_owned()]
        {
            let error = Bookmark::read("in", &other).unwrap_err();
            assert!(error.to_string().starts_with("`in`: expected a file's bookmark"), "{error}");
        }
    }
    for text in ["", "1", "1.2.line"] {
        assert!(Bookmark::read("in", text).is_err());
    }
}
