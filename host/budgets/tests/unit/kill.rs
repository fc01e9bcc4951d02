//! What is stopped begins nothing, and nothing else is.

use super::*;

fn killed(by: &str) -> Killed {
    Killed { by: by.to_owned(), reason: "it locks people out".to_owned(), at: Timestamp(0) }
}

#[test]
fn what_is_stopped_begins_nothing() {
    let (one, two): (RuleId, RuleId) = ("a/one".parse().unwrap(), "b/two".parse().unwrap());
    let mut kills = Kills::default();
    let stops =
        |kills: &Kills, rules: &[&RuleId], connector: &str| kills.stops(rules.iter().copied(), connector).cloned();
    assert_eq!(stops(&kills, &[&one, &two], "directory"), None);
    for (switch, stopped, free) in [
        (Switch::Rule(one.clone()), (vec![&two, &one], "x"), (vec![&two], "x")),
        (Switch::Publisher("b".to_owned()), (vec![&one, &two], "x"), (vec![&one], "x")),
        (Switch::Connector("directory".to_owned()), (vec![], "directory"), (vec![&one, &two], "keycloak")),
    ] {
        assert!(kills.stop(switch.clone(), killed("ana")));
        assert!(!kills.stop(switch.clone(), killed("eve")), "it stays as it was said first");
        assert_eq!(kills.all()[&switch].by, "ana");
        assert_eq!(stops(&kills, &stopped.0, stopped.1), Some(switch.clone()));
        assert_eq!(stops(&kills, &free.0, free.1), None);
        assert!(kills.resume(&switch) && !kills.resume(&switch));
    }
    kills.stop(Switch::Host, killed("root"));
    assert_eq!(stops(&kills, &[], "any"), Some(Switch::Host));
}

#[test]
fn a_switch_is_named_in_one_way() {
    for text in ["host", "connector:directory", "publisher:a", "rule:a/one"] {
        assert_eq!(text.parse::<Switch>().unwrap().to_string(), text);
    }
    for text in ["", "Host", "host:", "connector:", "rule:one", "publisher:a b", "all"] {
        assert_eq!(text.parse::<Switch>(), Err(SwitchError(text.to_owned())));
    }
}
