//! The page of actions.

use std::collections::BTreeMap;

use countersign_model::vocabulary::{
    Action, ActionClass, ActionParameterType, IdentityType, Reversibility, TargetLevel,
};
use countersign_policy::{Capabilities, Capability, Reach};

use crate::Page;
use crate::markdown::{Markdown, code, codes};

pub(crate) fn page() -> Page {
    let mut page = Markdown::new(
        "Actions",
        "The closed catalogue of actions: what `actions` of a [rule.toml](rule.md) and cells of a [policy](policy.md) \
         may name.",
    );
    page.table(
        ["action", "class", "meaning", "acts at", "parameters"],
        Action::ALL.iter().map(|action| {
            [
                code(action.id()),
                code(action.class().id()),
                action.about().to_owned(),
                codes(action.levels().iter().map(|level| level.id()), ", "),
                parameters(*action),
            ]
        }),
    );
    page.heading("Classes");
    page.paragraph("From weak to strong. The host does observe actions itself; they need no policy cell.");
    page.ids::<ActionClass>(["class", "meaning"]);
    page.heading("Levels");
    page.paragraph(
        "From narrow to wide. An action acts at the narrowest of its levels that is in evidence and at which the \
         connector can act.",
    );
    page.ids::<TargetLevel>(["level", "what it is"]);
    page.heading("Rungs");
    page.paragraph(
        "Each identity type has one order of actions, from weak to strong. An action that isn't among a type's rungs \
         is refused for it. Where an action is refused, the gate looks for the highest allowed lower rung above \
         observe, on the same account and never less reversible. Those of `unknown` are by approval only from \
         `revoke-token` on.",
    );
    let rungs = |of: &[Action]| codes(of.iter().map(|action| action.id()), ", ");
    let types = IdentityType::ALL.iter().map(|ty| [code(ty.id()), rungs(ty.rungs())]);
    page.table(["type", "rungs"], types.chain([["a trust".to_owned(), rungs(IdentityType::trust_rungs())]]));
    page.heading("Reversibility");
    page.paragraph(
        "A property of an action for an identity type at a connector. What isn't declared is irreversible. Irreversible \
         actions are never automatic; self-healing ones may be automatic for interactive humans, for whom they rank \
         with reversible.",
    );
    page.ids::<Reversibility>(["reversibility", "meaning"]);
    page.heading("Reach");
    page.paragraph(
        "A property of an action for an identity type at a connector. What isn't declared is unknown. Until a connector \
         can be asked, containment whose reach isn't `one` waits for approval, with the reason `estimate-high`.",
    );
    page.ids::<Reach>(["reach", "meaning"]);
    page.heading("What connectors can do");
    page.paragraph(
        "The shipped capability table. What isn't in it can't be done: the decision then has the reason \
         `action-unavailable`. No connector executes anything in this version.",
    );
    page.table(["provider", "connector", "action", "types", "levels", "reversibility", "reach"], capabilities());
    Page { name: "actions.md", text: page.finish() }
}

fn parameters(action: Action) -> String {
    let parameter = |parameter: &countersign_model::vocabulary::ActionParameter| {
        let ty = match parameter.ty {
            ActionParameterType::Integer { min, max } => format!("{min} to {max}"),
            ActionParameterType::Text { max_bytes } => format!("text, at most {max_bytes} bytes"),
        };
        format!("`{}` ({ty}): {}", parameter.name, parameter.meaning)
    };
    action.parameters().iter().map(parameter).collect::<Vec<_>>().join("; ")
}

/// What a connector can do: provider, action, connector, levels, reversibility, reach.
type Ability = (String, Action, String, Vec<TargetLevel>, Reversibility, Reach);

/// One row for all types with which a connector does the same.
fn capabilities() -> Vec<[String; 7]> {
    let shipped = Capabilities::shipped().unwrap_or_default();
    let mut types: BTreeMap<Ability, Vec<&str>> = BTreeMap::new();
    for one in shipped.iter() {
        let Capability { provider, action, connector, levels, reversibility, reach, .. } = one.clone();
        let same = (provider, action, connector, levels, reversibility, reach);
        types.entry(same).or_default().push(one.identity_type.id());
    }
    let row = |((provider, action, connector, levels, reversibility, reach), types): (Ability, Vec<&str>)| {
        [
            code(&provider),
            code(&connector),
            code(action.id()),
            codes(types, ", "),
            codes(levels.iter().map(|level| level.id()), ", "),
            code(reversibility.id()),
            code(reach.id()),
        ]
    };
    types.into_iter().map(row).collect()
}
