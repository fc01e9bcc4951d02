//! Opens what collectors write into a record as text: the event's data as JSON, or the event or its data as XML.

use roxmltree::{Document, Node, ParsingOptions};
use serde_json::{Map, Value};

use crate::opened::{self, Way};

/// The most nodes of a document: an event has a few dozen.
const MAX_NODES: u32 = 10_000;

/// Elements nested deeper than this are left out.
const MAX_DEPTH: usize = 8;

/// A record with its bodies opened; none where it has none to open.
pub(super) fn opened(raw: &str) -> Option<String> {
    opened::opened(raw, way, body)
}

fn way(path: &str) -> Way {
    let (depth, name) = (path.matches('.').count(), path.rsplit_once('.').map_or(path, |(_, name)| name));
    match name {
        "eventdata" | "userdata" => Way::Open,
        "event" | "system" | "payload" | "xml" | "eventxml" | "winlog" | "win" if depth == 0 => Way::Open,
        _ => Way::Leave,
    }
}

/// The body that a text holds as JSON of an object or a list.
fn body(text: &str) -> Option<String> {
    if text.starts_with('<') { xml(text) } else { opened::json(text) }
}

/// An event, or its data, as XML. What the text's own element is doesn't matter where that isn't the whole event.
fn xml(text: &str) -> Option<String> {
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).ok()?;
    let of_name = |name: &str| document.descendants().find(|node| node.tag_name().name() == name);
    let value = match (of_name("System"), of_name("EventData"), of_name("UserData")) {
        (Some(_), ..) => element(of_name("Event")?, 0),
        (None, Some(data), _) | (None, None, Some(data)) => element(data, 0),
        (None, None, None) => return None,
    };
    Some(value.to_string())
}

/// An element as an object: its attributes with `@` before their names, its elements, and its text as `#text`.
fn element(node: Node<'_, '_>, depth: usize) -> Value {
    let text: String = node.children().filter(Node::is_text).filter_map(|text| text.text()).collect();
    let elements: Vec<Node<'_, '_>> =
        if depth < MAX_DEPTH { node.children().filter(Node::is_element).collect() } else { Vec::new() };
    if elements.is_empty() && node.attributes().len() == 0 {
        return Value::String(text);
    }
    let mut object = Map::new();
    for attribute in node.attributes() {
        object.insert(format!("@{}", attribute.name()), attribute.value().into());
    }
    for child in &elements {
        let value = element(*child, depth + 1);
        match object.get_mut(child.tag_name().name()) {
            None => {
                object.insert(child.tag_name().name().to_owned(), value);
            }
            Some(Value::Array(several)) => several.push(value),
            Some(one) => *one = Value::Array(vec![one.take(), value]),
        }
    }
    if elements.is_empty() {
        object.insert("#text".to_owned(), text.into());
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_and_events_come_as_text() {
        for (raw, expected) in [
            (
                r#"{"EventData":"<EventData xmlns='x'><Data Name='A'>1</Data><Data Name='B'/></EventData>"}"#,
                Some(r##"{"EventData":{"Data":[{"#text":"1","@Name":"A"},{"#text":"","@Name":"B"}]}}"##),
            ),
            (
                r#"{"EventData":"<DataItem><EventData><Data>1</Data></EventData></DataItem>"}"#,
                Some(r#"{"EventData":{"Data":"1"}}"#),
            ),
            (
                r#"{"System":"<Event><System><EventID>7</EventID></System></Event>"}"#,
                Some(r#"{"System":{"System":{"EventID":"7"}}}"#),
            ),
            (r#"{"Payload":"{\"EventData\":{}}"}"#, Some(r#"{"Payload":{"EventData":{}}}"#)),
            (r#"{"winlog":{"event_data":"{\"A\":1}"}}"#, Some(r#"{"winlog":{"event_data":{"A":1}}}"#)),
            (r#"{"EventData":"<EventData>"}"#, None),
            (r#"{"EventData":"<!DOCTYPE x [<!ENTITY a 'b'>]><EventData>&a;</EventData>"}"#, None),
            (r#"{"EventData":"A: 1"}"#, None),
            (r#"{"Message":"<EventData/>"}"#, None),
        ] {
            assert_eq!(opened(raw).as_deref(), expected, "{raw}");
        }
    }
}
