//! The outermost layer of a WebAssembly binary: its header and the sections at depth 0. The contents of sections
//! aren't parsed, so this works even where the rest is broken.

use std::ops::Range;

/// The binary format that the header names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    /// A core module (WebAssembly Core Specification, section 5.5.16).
    Module,
    /// A component (Component Model, Binary.md).
    Component,
}

/// The header's eight bytes.
const HEADER: usize = 8;

/// A custom section at depth 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Custom<'a> {
    /// The whole section with its id and size.
    pub(crate) range: Range<usize>,
    name: &'a str,
    contents: &'a [u8],
}

/// The outermost layer.
pub(crate) struct Outline<'a> {
    /// The format; none if the header is neither's.
    pub(crate) layer: Option<Layer>,
    /// The custom sections of the names asked for, up to the first section that isn't whole.
    pub(crate) customs: Vec<Custom<'a>>,
    /// Whether the sections reach to the end.
    pub(crate) whole: bool,
}

impl<'a> Outline<'a> {
    /// The contents of the sections with this name, with the byte where each begins.
    pub(crate) fn named(&self, name: &str) -> Vec<(usize, &'a [u8])> {
        let named = self.customs.iter().filter(|custom| custom.name == name);
        named.map(|custom| (custom.range.start, custom.contents)).collect()
    }
}

/// Reads the outermost layer. Takes time by the number of sections, not by their size, and memory by the number of
/// those asked for.
pub(crate) fn outline<'a>(bytes: &'a [u8], names: &[&str]) -> Outline<'a> {
    let layer = match bytes.get(..HEADER) {
        Some([0, b'a', b's', b'm', 1, 0, 0, 0]) => Some(Layer::Module),
        Some([0, b'a', b's', b'm', 0x0d, 0, 1, 0]) => Some(Layer::Component),
        _ => None,
    };
    let mut outline = Outline { layer, customs: Vec::new(), whole: false };
    if layer.is_none() {
        return outline;
    }
    let mut at = HEADER;
    while at < bytes.len() {
        let Some((id, contents)) = section(bytes, at) else { return outline };
        let range = at..contents.end;
        at = contents.end;
        let custom = if id == 0 { bytes.get(contents).and_then(custom) } else { None };
        if let Some((name, contents)) = custom.filter(|(name, _)| names.contains(name)) {
            outline.customs.push(Custom { range, name, contents });
        }
    }
    outline.whole = true;
    outline
}

/// The id of the section that begins here, and where its contents are.
fn section(bytes: &[u8], start: usize) -> Option<(u8, Range<usize>)> {
    let id = *bytes.get(start)?;
    let (size, after) = leb_u32(bytes, start + 1)?;
    let end = after.checked_add(size)?;
    (end <= bytes.len()).then_some((id, after..end))
}

fn custom(contents: &[u8]) -> Option<(&str, &[u8])> {
    let (length, after) = leb_u32(contents, 0)?;
    let end = after.checked_add(length)?;
    let name = std::str::from_utf8(contents.get(after..end)?).ok()?;
    Some((name, contents.get(end..)?))
}

/// An unsigned LEB128 number of 32 bits (Core Specification, section 5.2.2), and where it ends.
fn leb_u32(bytes: &[u8], start: usize) -> Option<(usize, usize)> {
    let mut value = 0u64;
    for (index, byte) in bytes.get(start..)?.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let value = u32::try_from(value).ok()?;
            return Some((usize::try_from(value).ok()?, start + index + 1));
        }
    }
    None
}

/// A custom section.
pub(crate) fn custom_section(name: &str, contents: &[u8]) -> Option<Vec<u8>> {
    let mut inner = leb(u32::try_from(name.len()).ok()?);
    inner.extend_from_slice(name.as_bytes());
    inner.extend_from_slice(contents);
    let mut section = vec![0];
    section.extend(leb(u32::try_from(inner.len()).ok()?));
    section.extend(inner);
    Some(section)
}

fn leb(mut value: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(5);
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for value in [0, 1, 127, 128, 16_383, 16_384, u32::MAX] {
            let bytes = leb(value);
            assert_eq!(leb_u32(&bytes, 0), Some((value as usize, bytes.len())));
        }
        for broken in [&[][..], &[0x80], &[0x80; 6], &[0xff, 0xff, 0xff, 0xff, 0x1f]] {
            assert_eq!(leb_u32(broken, 0), None);
        }
    }

    #[test]
    fn sections_are_found_up_to_the_first_that_is_not_whole() {
        let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
        bytes.extend(custom_section("b", b"").unwrap());
        bytes.extend(custom_section("a", b"xyz").unwrap());
        let whole = outline(&bytes, &["a"]);
        assert!(whole.whole);
        assert_eq!(whole.named("a"), [(12, &b"xyz"[..])]);
        assert_eq!(whole.named("b"), []);
        let longer = [&bytes[..], &[0]].concat();
        let cut = outline(&longer, &["a"]);
        assert!(!cut.whole);
        assert_eq!(cut.customs, whole.customs);
        assert_eq!(outline(b"\0asm", &["a"]).layer, None);
    }
}
