//! Plain `kubectl` lines for what is declared, for people who only want to look.

use super::declared::{Declared, Node, Rule};

/// A line a node for labels, one for taints; what needs facts stands below as comments.
pub(super) fn lines(declared: &Declared) -> String {
    let mut text =
        String::from("# what the cluster file declares; kubectl refuses to change a label that has another value\n");
    for (name, node) in declared.k3s_nodes() {
        text.push_str(&format!("kubectl label node {name}{}\n", labels(node)));
        if !node.taints.is_empty() {
            text.push_str(&format!("kubectl taint node {name}{}\n", taints(node)));
        }
    }
    if !declared.rules.is_empty() {
        text.push_str("# what rules set depends on what the agents report: coordctl plan\n");
    }
    for rule in &declared.rules {
        text.push_str(&format!("#{} where {}\n", set(rule), rule.when.replace('\n', " ")));
    }
    text
}

/// The node's own labels win over the defaults. Keys and values are checked: none needs quotes in a shell.
fn labels(node: &Node) -> String {
    let mut all = node.default_labels.clone();
    all.extend(node.labels.clone());
    all.insert("topology.kubernetes.io/zone".to_owned(), node.zone.clone());
    all.insert("topology.kubernetes.io/region".to_owned(), node.region.clone());
    all.iter().map(|(key, value)| format!(" {key}={value}")).collect()
}

fn taints(node: &Node) -> String {
    let one = |taint: &super::declared::Taint| match taint.value.as_str() {
        "" => format!(" {}:{}", taint.key, taint.effect),
        value => format!(" {}={value}:{}", taint.key, taint.effect),
    };
    node.taints.iter().map(one).collect()
}

fn set(rule: &Rule) -> String {
    rule.set.iter().map(|(key, value)| format!(" {key}={value}")).collect()
}

#[cfg(test)]
mod tests {
    use crate::command::render::declared::tests::example;

    #[test]
    fn the_example_home_as_kubectl_lines() {
        insta::assert_snapshot!(super::lines(&example()));
    }
}
