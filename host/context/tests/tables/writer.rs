//! Writes small MaxMind databases (MaxMind DB file format 2.0): records of 24 bits, IPv6 with IPv4 under `::/96`.

use std::net::IpAddr;

/// A value of the data section.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    Text(&'static str),
    Double(f64),
    U16(u16),
    U32(u32),
    U64(u64),
    Map(Vec<(&'static str, Data)>),
    List(Vec<Data>),
}

/// A node's two sides.
type Node = [Side; 2];

#[derive(Clone, Copy)]
enum Side {
    Nothing,
    Node(usize),
    Data(usize),
}

/// A database of this type, built at this second, that says this of these networks; no network lies in another.
pub(crate) fn database(kind: &'static str, epoch: u64, networks: &[(&str, Data)]) -> Vec<u8> {
    let mut nodes: Vec<Node> = vec![[Side::Nothing; 2]];
    let mut data = Vec::new();
    for (network, value) in networks {
        let (address, prefix) = network.split_once('/').unwrap();
        let prefix: usize = prefix.parse().unwrap();
        let (bits, prefix) = match address.parse().unwrap() {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()), prefix + 96),
            IpAddr::V6(v6) => (v6.to_bits(), prefix),
        };
        let at = data.len();
        encode(value, &mut data);
        let mut node = 0;
        for depth in 0..prefix {
            let side = (bits >> (127 - depth) & 1) as usize;
            if depth + 1 == prefix {
                nodes[node][side] = Side::Data(at);
                continue;
            }
            node = match nodes[node][side] {
                Side::Node(next) => next,
                _ => {
                    nodes.push([Side::Nothing; 2]);
                    let next = nodes.len() - 1;
                    nodes[node][side] = Side::Node(next);
                    next
                }
            };
        }
    }
    let mut bytes = Vec::new();
    for side in nodes.iter().flatten() {
        let value = match side {
            Side::Nothing => nodes.len(),
            Side::Node(node) => *node,
            Side::Data(at) => nodes.len() + 16 + at,
        };
        bytes.extend_from_slice(&u32::try_from(value).unwrap().to_be_bytes()[1..]);
    }
    bytes.extend_from_slice(&[0; 16]);
    bytes.extend(data);
    bytes.extend_from_slice(b"\xAB\xCD\xEFMaxMind.com");
    let metadata = Data::Map(vec![
        ("binary_format_major_version", Data::U16(2)),
        ("binary_format_minor_version", Data::U16(0)),
        ("build_epoch", Data::U64(epoch)),
        ("database_type", Data::Text(kind)),
        ("description", Data::Map(vec![("en", Data::Text("for a test"))])),
        ("ip_version", Data::U16(6)),
        ("languages", Data::List(vec![Data::Text("en")])),
        ("node_count", Data::U32(u32::try_from(nodes.len()).unwrap())),
        ("record_size", Data::U16(24)),
    ]);
    encode(&metadata, &mut bytes);
    bytes
}

fn encode(value: &Data, out: &mut Vec<u8>) {
    match value {
        Data::Text(text) => {
            control(2, text.len(), out);
            out.extend_from_slice(text.as_bytes());
        }
        Data::Double(number) => {
            control(3, 8, out);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Data::U16(number) => {
            control(5, 2, out);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Data::U32(number) => {
            control(6, 4, out);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Data::U64(number) => {
            control(9, 8, out);
            out.extend_from_slice(&number.to_be_bytes());
        }
        Data::Map(entries) => {
            control(7, entries.len(), out);
            for (key, value) in entries {
                encode(&Data::Text(key), out);
                encode(value, out);
            }
        }
        Data::List(items) => {
            control(11, items.len(), out);
            items.iter().for_each(|item| encode(item, out));
        }
    }
}

/// Type and size: types past 7 stand in a byte of their own, sizes from 29 too.
fn control(ty: u8, size: usize, out: &mut Vec<u8>) {
    let (first, extended) = if ty > 7 { (0, Some(ty - 7)) } else { (ty << 5, None) };
    let (short, long) = if size < 29 { (size, None) } else { (29, Some(u8::try_from(size - 29).unwrap())) };
    out.push(first | u8::try_from(short).unwrap());
    out.extend(extended);
    out.extend(long);
}
