//! Stages: the parts of a network, in forward order.

/// A part of a network that is run, frozen, cached and trained as a unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its name: `stem`, `layer3`, `blocks.5`, `head`.
    pub name: String,
    /// Prefixes of its tensors' names in timm.
    pub prefixes: Vec<String>,
}

impl Stage {
    /// Makes a stage of the tensors under `prefixes`.
    pub fn new(name: impl Into<String>, prefixes: &[&str]) -> Self {
        Self {
            name: name.into(),
            prefixes: prefixes.iter().map(|prefix| prefix.to_string()).collect(),
        }
    }

    /// Whether the tensor `path` belongs to this stage.
    pub fn owns(&self, path: &str) -> bool {
        self.prefixes.iter().any(|prefix| is_under(path, prefix))
    }
}

/// Whether `path` is `prefix` or lies under it, in whole components: `layer4.2` contains
/// `layer4.2.conv1.weight` but not `layer4.20.conv1.weight`.
pub fn is_under(path: &str, prefix: &str) -> bool {
    match path.strip_prefix(prefix) {
        Some(rest) => rest.is_empty() || rest.starts_with('.'),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_under;

    #[test]
    fn a_prefix_ends_at_a_component() {
        assert!(is_under("layer4.2.conv1.weight", "layer4.2"));
        assert!(is_under("fc", "fc"));
        assert!(!is_under("layer4.20.conv1.weight", "layer4.2"));
        assert!(!is_under("bn1.weight", "bn"));
    }
}
