//! Graphs of declarations: what is refused, why, and the depths of the rest.

#![allow(clippy::unwrap_used, reason = "tests")]

use countersign_declaration::parse_toml;

use super::*;

/// A detection `example/NAME` that finds class `token` and subscribes to classes of others: `name class`.
fn detection(name: &str, subscribes: &[(&str, &str)]) -> Declaration {
    let subscribes: Vec<String> = subscribes
        .iter()
        .map(|(rule, class)| format!("{{ rule = \"example/{rule}\", classes = [\"{class}\"] }}"))
        .collect();
    let text = format!(
        "id = \"example/{name}\"\nversion = \"1.0.0\"\nkind = \"detection\"\ndescription = \"For a test.\"\n\
         identity-types = [\"human\"]\nconfidence-floor = 50\nactions = [\"notify\"]\nsignal-classes = [\"token\"]\n\
         event-classes = [\"api-activity\"]\nfields = [\"api.operation\"]\npartition-key = \"actor\"\n\
         subscribes = [{}]\n",
        subscribes.join(", ")
    );
    parse_toml(&text).unwrap()
}

fn response(name: &str) -> Declaration {
    let text = format!(
        "id = \"example/{name}\"\nversion = \"1.0.0\"\nkind = \"response\"\ndescription = \"For a test.\"\n\
         identity-types = [\"human\"]\nconfidence-floor = 50\nactions = [\"notify\"]\nsignal-classes = [\"token\"]\n"
    );
    parse_toml(&text).unwrap()
}

fn ids(names: &[&str]) -> BTreeSet<RuleId> {
    names.iter().map(|name| format!("example/{name}").parse().unwrap()).collect()
}

/// Every fault, as a message.
fn messages(graph: &Graph) -> Vec<(&str, Vec<String>)> {
    graph
        .faults
        .iter()
        .map(|(rule, faults)| (rule.name(), faults.iter().map(|fault| fault.to_string()).collect()))
        .collect()
}

fn depths(graph: &Graph) -> Vec<(&str, usize)> {
    graph.depths.iter().map(|(rule, depth)| (rule.name(), *depth)).collect()
}

fn graph(declarations: &[Declaration]) -> Graph {
    Graph::build(declarations.iter(), &ids(&["off"]), &ids(&["bad"]))
}

#[test]
fn a_rule_is_deeper_than_everything_that_feeds_it() {
    let graph = graph(&[
        detection("a", &[]),
        detection("b", &[("a", "token")]),
        detection("c", &[("a", "token"), ("b", "token")]),
        detection("d", &[("c", "token"), ("a", "token")]),
        response("r"),
    ]);
    assert_eq!((messages(&graph), depths(&graph)), (vec![], vec![("a", 0), ("b", 1), ("c", 2), ("d", 3), ("r", 0)]));
    assert_eq!(graph.lineage(&"example/d".parse().unwrap()), ids(&["a", "b", "c"]));
    assert_eq!(graph.lineage(&"example/a".parse().unwrap()), ids(&[]));
}

#[test]
fn every_reason_is_reported_and_the_others_load() {
    let graph = graph(&[
        detection("a", &[]),
        detection("b", &[("nobody", "token"), ("off", "token"), ("bad", "token"), ("r", "token"), ("a", "agent")]),
        detection("c", &[("a", "token")]),
        response("r"),
    ]);
    let expected = [
        "subscribes to `example/nobody`, which isn't loaded: load it too, or correct the id",
        "subscribes to `example/off`, which the policy switches off",
        "subscribes to `example/bad`, which is refused",
        "subscribes to `example/r`, which is a response rule: only detections find something",
        "subscribes to class `agent` of `example/a`, which doesn't declare that class",
    ];
    assert_eq!(messages(&graph), [("b", expected.map(str::to_owned).to_vec())]);
    assert_eq!(depths(&graph), [("a", 0), ("c", 1), ("r", 0)]);
}

#[test]
fn a_cycle_is_listed_in_full_and_what_it_feeds_is_refused() {
    let graph = graph(&[
        detection("a", &[("c", "token")]),
        detection("b", &[("a", "token")]),
        detection("c", &[("b", "token")]),
        detection("d", &[("c", "token")]),
        detection("e", &[("d", "token"), ("nobody", "token")]),
        detection("f", &[]),
    ]);
    let cycle = |rules: &str| {
        let rules: Vec<String> = rules.chars().map(|rule| format!("`example/{rule}`")).collect();
        vec![format!("subscribes in a circle: {}", rules.join(" → "))]
    };
    let refused = |rule: &str| format!("subscribes to `example/{rule}`, which is refused");
    let nobody = "subscribes to `example/nobody`, which isn't loaded: load it too, or correct the id".to_owned();
    assert_eq!(
        messages(&graph),
        [
            ("a", cycle("acba")),
            ("b", cycle("bacb")),
            ("c", cycle("cbac")),
            ("d", vec![refused("c")]),
            ("e", vec![nobody, refused("d")]),
        ]
    );
    assert_eq!(depths(&graph), [("f", 0)]);
}
