//! Makes JSON Schemas (draft 2020-12), and holds one against the reader of its file: both must accept and refuse the
//! same. Shared by the tests of the crates that have readers.

use std::collections::BTreeSet;
use std::path::Path;

use countersign_document::{Diagnostic, Document, Node, NodeValue};
use expect_test::expect_file;
use serde_json::{Map, Value, json};

type Read<'r> = &'r dyn Fn(&str) -> Result<(), Vec<Diagnostic>>;

const UNKNOWN: &str = "zzz-unknown";

/// A whole schema; `root` is its root table.
pub(crate) fn document(name: &str, title: &str, mut root: Value) -> Value {
    root["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    root["$comment"] = format!("Written by a test of the reader: UPDATE_EXPECT=1 makes {name}.schema.json anew").into();
    root["title"] = title.into();
    root
}

/// A table with these keys and no others.
pub(crate) fn table(required: &[&str], properties: Value) -> Value {
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// A list of tables.
#[allow(dead_code, reason = "not every schema has such lists")]
pub(crate) fn tables(table: Value) -> Value {
    json!({ "type": "array", "items": table })
}

/// Text that isn't empty.
#[allow(dead_code, reason = "not every schema has such text")]
pub(crate) fn text() -> Value {
    json!({ "type": "string", "minLength": 1 })
}

/// One of these words.
pub(crate) fn words<'w>(words: impl Iterator<Item = &'w str>) -> Value {
    json!({ "enum": words.collect::<Vec<_>>() })
}

/// With a description.
pub(crate) fn described(mut schema: Value, description: &str) -> Value {
    schema["description"] = description.into();
    schema
}

/// A schema of `docs/schemas`.
pub(crate) struct Schema {
    root: Value,
}

impl Schema {
    /// A schema that is a part of a file's.
    #[allow(dead_code, reason = "not every test has such parts")]
    pub(crate) fn new(root: Value) -> Schema {
        Schema { root }
    }

    /// Holds the file `docs/schemas/NAME.schema.json` against what it should be.
    pub(crate) fn check_file(name: &str, root: Value) -> Schema {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas");
        let text = serde_json::to_string_pretty(&sorted(&root)).unwrap();
        expect_file![folder.join(format!("{name}.schema.json"))].assert_eq(&format!("{text}\n"));
        Schema { root }
    }

    fn accepts(&self, instance: &Value) -> bool {
        self.valid(&self.root, instance)
    }

    /// What a `$ref` names.
    fn target(&self, reference: &str) -> &Value {
        self.root.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference}"))
    }

    /// The keywords that our schemas have, and no others.
    fn valid(&self, schema: &Value, instance: &Value) -> bool {
        let Value::Object(keywords) = schema else { return schema.as_bool().unwrap() };
        let list = |value: &Value| value.as_array().unwrap().clone();
        let count = |value: &Value| value.as_u64().unwrap() as usize;
        let texts = |value: &Value| -> Vec<String> {
            list(value).iter().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        keywords.iter().all(|(keyword, value)| match (keyword.as_str(), instance) {
            ("$schema" | "$comment" | "$defs" | "title" | "description" | "examples", _) => true,
            // Patterns are for editors; the reader has the last word.
            ("pattern" | "propertyNames" | "then", _) => true,
            ("$ref", _) => self.valid(self.target(value.as_str().unwrap()), instance),
            ("type", _) => match value {
                Value::String(ty) => is_type(instance, ty),
                types => texts(types).iter().any(|ty| is_type(instance, ty)),
            },
            ("const", _) => value == instance,
            ("enum", _) => list(value).contains(instance),
            ("anyOf", _) => list(value).iter().any(|one| self.valid(one, instance)),
            ("oneOf", _) => list(value).iter().filter(|one| self.valid(one, instance)).count() == 1,
            ("allOf", _) => list(value).iter().all(|one| self.valid(one, instance)),
            ("not", _) => !self.valid(value, instance),
            ("if", _) => !self.valid(value, instance) || self.valid(&keywords["then"], instance),
            ("properties", Value::Object(map)) => {
                value.as_object().unwrap().iter().all(|(key, one)| map.get(key).is_none_or(|it| self.valid(one, it)))
            }
            ("additionalProperties", Value::Object(map)) => {
                let known = keywords.get("properties").and_then(Value::as_object);
                let others = map.iter().filter(|(key, _)| !known.is_some_and(|known| known.contains_key(*key)));
                others.into_iter().all(|(_, one)| self.valid(value, one))
            }
            ("required", Value::Object(map)) => texts(value).iter().all(|key| map.contains_key(key)),
            ("minProperties", Value::Object(map)) => map.len() >= count(value),
            ("dependentRequired", Value::Object(map)) => {
                value.as_object().unwrap().iter().all(|(key, needed)| {
                    !map.contains_key(key) || texts(needed).iter().all(|key| map.contains_key(key))
                })
            }
            ("items", Value::Array(items)) => items.iter().all(|item| self.valid(value, item)),
            ("minItems", Value::Array(items)) => items.len() >= count(value),
            ("maxItems", Value::Array(items)) => items.len() <= count(value),
            ("uniqueItems", Value::Array(items)) => {
                items.iter().enumerate().all(|(index, item)| !items[..index].contains(item))
            }
            ("minimum", Value::Number(number)) => number.as_f64() >= value.as_f64(),
            ("maximum", Value::Number(number)) => number.as_f64() <= value.as_f64(),
            ("minLength", Value::String(text)) => text.chars().count() >= count(value),
            ("maxLength", Value::String(text)) => text.chars().count() <= count(value),
            // A keyword about another type.
            (
                "properties"
                | "additionalProperties"
                | "required"
                | "minProperties"
                | "dependentRequired"
                | "items"
                | "minItems"
                | "maxItems"
                | "uniqueItems"
                | "minimum"
                | "maximum"
                | "minLength"
                | "maxLength",
                _,
            ) => true,
            (keyword, _) => panic!("the keyword `{keyword}` is not known here"),
        })
    }

    /// The schema itself, or what it refers to or lets one choose among.
    fn alternatives<'s>(&'s self, schema: &'s Value, found: &mut Vec<&'s Value>) {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            return self.alternatives(self.target(reference), found);
        }
        let choices = ["anyOf", "oneOf"].iter().filter_map(|key| schema.get(*key)?.as_array());
        // The tests of a filter are a `oneOf` of what is required, not of schemas to choose among.
        let choices: Vec<&Value> =
            choices.flatten().filter(|one| one.get("required").is_none() || one.get("type").is_some()).collect();
        if choices.is_empty() {
            found.push(schema);
        }
        for choice in choices {
            self.alternatives(choice, found);
        }
    }

    /// The schemas of the value at a path.
    fn at<'s>(&'s self, path: &[Step]) -> Vec<&'s Value> {
        let mut found = Vec::new();
        self.alternatives(&self.root, &mut found);
        for step in path {
            let mut next = Vec::new();
            for schema in found {
                let child = match step {
                    Step::Item(_) => schema.get("items"),
                    Step::Key(key) => {
                        let property = schema.get("properties").and_then(|properties| properties.get(key));
                        property.or_else(|| schema.get("additionalProperties").filter(|one| one.is_object()))
                    }
                };
                if let Some(child) = child {
                    self.alternatives(child, &mut next);
                }
            }
            found = next;
        }
        found
    }

    /// The keys of tables that have these and no others, each with its schema's address.
    fn keys_of_all<'s>(&'s self, schema: &'s Value, found: &mut BTreeSet<(usize, String)>, seen: &mut Vec<&'s Value>) {
        if seen.iter().any(|one| std::ptr::eq(*one, schema)) {
            return;
        }
        seen.push(schema);
        let mut here = Vec::new();
        self.alternatives(schema, &mut here);
        for schema in here {
            for (key, child) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                found.insert((address(schema), key.clone()));
                self.keys_of_all(child, found, seen);
            }
            for key in ["items", "additionalProperties"] {
                if let Some(child) = schema.get(key).filter(|child| child.is_object()) {
                    self.keys_of_all(child, found, seen);
                }
            }
        }
    }
}

fn address(schema: &Value) -> usize {
    std::ptr::from_ref(schema) as usize
}

fn is_type(instance: &Value, ty: &str) -> bool {
    match ty {
        "object" => instance.is_object(),
        "array" => instance.is_array(),
        "string" => instance.is_string(),
        "boolean" => instance.is_boolean(),
        "number" => instance.is_number(),
        "integer" => instance.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => panic!("the type `{ty}` is not known here"),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Key(String),
    Item(usize),
}

fn shown(path: &[Step]) -> String {
    path.iter().fold(String::new(), |shown, step| match step {
        Step::Key(key) if shown.is_empty() => key.clone(),
        Step::Key(key) => format!("{shown}.{key}"),
        Step::Item(index) => format!("{shown}[{index}]"),
    })
}

fn get<'v>(value: &'v mut Value, path: &[Step]) -> &'v mut Value {
    path.iter().fold(value, |value, step| match step {
        Step::Key(key) => &mut value[key.as_str()],
        Step::Item(index) => &mut value[*index],
    })
}

/// Every path of a value, the root's too.
fn paths(value: &Value, path: Vec<Step>, found: &mut Vec<Vec<Step>>) {
    let step = |step| path.iter().cloned().chain([step]).collect::<Vec<_>>();
    match value {
        Value::Object(map) => map.iter().for_each(|(key, one)| paths(one, step(Step::Key(key.clone())), found)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, one)| paths(one, step(Step::Item(index)), found));
        }
        _ => {}
    }
    found.push(path);
}

/// A schema and the reader of its file.
pub(crate) struct Form<'f> {
    schema: &'f Schema,
    read: Read<'f>,
}

impl<'f> Form<'f> {
    pub(crate) fn new(schema: &'f Schema, read: Read<'f>) -> Form<'f> {
        Form { schema, read }
    }

    /// Both accept a file.
    pub(crate) fn accepts(&self, text: &str, name: &str) {
        (self.read)(text).unwrap_or_else(|faults| panic!("{name}: {faults:#?}"));
        assert!(self.schema.accepts(&instance(text)), "{name}: the schema refuses it");
    }

    fn read(&self, value: &Value) -> Result<(), Vec<Diagnostic>> {
        (self.read)(&toml(value))
    }

    fn refused_by_both(&self, value: &Value, what: &str) -> Vec<Diagnostic> {
        assert!(!self.schema.accepts(value), "{what}: the schema accepts it");
        self.read(value).err().unwrap_or_else(|| panic!("{what}: the reader accepts it"))
    }

    /// Alters a file in one place after another: a key that isn't known, a value of another type and a word that isn't
    /// known are refused by both, and a key that is taken out is missed by both or neither. Of the keys named by
    /// `reader_only` only the reader knows that others need them.
    pub(crate) fn check(&self, text: &str, reader_only: &[&str]) {
        self.accepts(text, "the complete file");
        let whole = instance(text);
        let mut all = Vec::new();
        paths(&whole, Vec::new(), &mut all);
        for path in all {
            let at = shown(&path);
            let schemas = self.schema.at(&path);
            assert!(!schemas.is_empty(), "{at}: not in the schema");
            let altered = |alter: &dyn Fn(&mut Value)| {
                let mut value = whole.clone();
                alter(get(&mut value, &path));
                value
            };
            let value = get(&mut whole.clone(), &path).clone();
            if value.is_object() {
                self.check_unknown_key(&altered(&|it| it[UNKNOWN] = true.into()), &at, &schemas);
            }
            let Some((last, parent)) = path.split_last() else { continue };
            let other = if value.is_object() { json!(7) } else { json!({}) };
            self.refused_by_both(&altered(&|it| *it = other.clone()), &format!("{at} of another type"));
            if value.is_string() {
                self.check_unknown_word(&altered(&|it| *it = UNKNOWN.into()), &at, &schemas);
            }
            if let Step::Key(key) = last {
                let mut without = whole.clone();
                get(&mut without, parent).as_object_mut().unwrap().remove(key);
                let (schema, reader) = (self.schema.accepts(&without), self.read(&without));
                let agree = schema == reader.is_ok();
                assert_eq!(!agree, reader_only.contains(&at.as_str()), "without {at}: schema {schema}, {reader:?}");
            }
        }
    }

    /// The reader's known keys are those of the schema.
    fn check_unknown_key(&self, altered: &Value, at: &str, schemas: &[&Value]) {
        let closed = schemas.iter().filter(|one| one.get("additionalProperties") == Some(&Value::Bool(false)));
        let keys: BTreeSet<&str> =
            closed.flat_map(|one| one["properties"].as_object().unwrap().keys().map(String::as_str)).collect();
        if keys.is_empty() {
            return;
        }
        let faults = self.refused_by_both(altered, &format!("an unknown key in `{at}`"));
        let fault = faults.iter().find(|fault| fault.got == format!("`{UNKNOWN}`")).unwrap();
        let listed = listed(&fault.expected).unwrap_or_else(|| panic!("`{at}`: {fault}"));
        assert_eq!(listed, keys, "the keys of `{at}`");
    }

    /// The reader's known words are those of the schema.
    fn check_unknown_word(&self, altered: &Value, at: &str, schemas: &[&Value]) {
        let words: BTreeSet<&str> = schemas
            .iter()
            .filter_map(|one| one.get("enum")?.as_array())
            .flatten()
            .map(|word| word.as_str().unwrap())
            .collect();
        // Where there may be any text too, as in `eq`, no word is unknown.
        if words.is_empty() {
            return;
        }
        let faults = self.refused_by_both(altered, &format!("an unknown word in `{at}`"));
        let fault = faults.iter().find(|fault| fault.got == format!("`{UNKNOWN}`")).unwrap();
        // A long list isn't in the message.
        let Some(listed) = listed(&fault.expected) else { return };
        // Which columns there are depends on the table.
        let same = if at.contains(".columns[") { listed.is_subset(&words) } else { listed == words };
        assert!(same, "`{at}`: the reader knows {listed:?}, the schema {words:?}");
    }

    /// The files together have every key of the schema.
    pub(crate) fn covers(&self, texts: &[&str]) {
        let mut all = BTreeSet::new();
        self.schema.keys_of_all(&self.schema.root, &mut all, &mut Vec::new());
        for text in texts {
            let mut found = Vec::new();
            paths(&instance(text), Vec::new(), &mut found);
            for (last, parent) in found.iter().filter_map(|path| path.split_last()) {
                if let Step::Key(key) = last {
                    for schema in self.schema.at(parent) {
                        all.remove(&(address(schema), key.clone()));
                    }
                }
            }
        }
        let left: Vec<&String> = all.iter().map(|(_, key)| key).collect();
        assert!(left.is_empty(), "keys that no complete file has: {left:?}");
    }
}

/// The names that a message lists, in backticks after its last colon.
fn listed(expected: &str) -> Option<BTreeSet<&str>> {
    let (_, list) = expected.rsplit_once(": ")?;
    list.split(", ").map(|name| name.strip_prefix('`')?.strip_suffix('`')).collect()
}

/// TOML as JSON; dates are text.
fn instance(text: &str) -> Value {
    json_of(Document::parse(text, usize::MAX).unwrap().root())
}

fn json_of(node: &Node) -> Value {
    match &node.value {
        NodeValue::Null => Value::Null,
        NodeValue::Boolean(value) => (*value).into(),
        NodeValue::Integer(number) => i64::try_from(*number).unwrap().into(),
        NodeValue::Float(number) => (*number).into(),
        NodeValue::Text(text) | NodeValue::Date(text) => text.as_str().into(),
        NodeValue::List(items) => items.iter().map(json_of).collect(),
        NodeValue::Table(entries) => {
            Value::Object(entries.iter().map(|(key, node)| (key.clone(), json_of(node))).collect::<Map<_, _>>())
        }
    }
}

/// JSON as TOML: a line for each key of the root.
fn toml(value: &Value) -> String {
    let root = value.as_object().unwrap();
    root.iter().map(|(key, value)| format!("{} = {}\n", Value::from(key.as_str()), inline(value))).collect()
}

fn inline(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let entries: Vec<String> =
                map.iter().map(|(key, value)| format!("{} = {}", Value::from(key.as_str()), inline(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// The same whatever order the maps of JSON have.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            Value::Object(entries.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
