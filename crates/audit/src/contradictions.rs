//! Copies of one picture under several classes. At most one of the labels is right.

use std::collections::HashMap;

use kennel_core::DuplicateKind;
use serde::{Deserialize, Serialize};

use crate::JudgedPhotos;
use crate::confident_joint::most_probable;

/// A picture under several classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contradiction {
    /// Whether its copies have the same bytes, or only show the same picture.
    pub kind: DuplicateKind,
    /// The class with the largest mean probability over the copies.
    pub likeliest: String,
    /// That mean.
    pub probability: f64,
    /// The copies, in the manifest's order.
    pub copies: Vec<Copy>,
}

/// A copy of a picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    /// Its path.
    pub path: String,
    /// Its label.
    pub label: String,
}

/// Lists the groups of duplicates whose photos have several labels, the surest picture first.
/// Photos that only look alike are not copies.
pub(crate) fn contradictions(judged: &JudgedPhotos) -> Vec<Contradiction> {
    let at: HashMap<&str, usize> =
        judged.photos.iter().enumerate().map(|(at, photo)| (photo.path, at)).collect();
    let mut found = Vec::new();
    for group in judged.duplicates.iter().filter(|group| group.kind != DuplicateKind::Alike) {
        let copies: Vec<usize> =
            group.paths.iter().filter_map(|path| at.get(path.as_str()).copied()).collect();
        let label = |copy: usize| judged.photos[copy].label;
        if copies.iter().all(|&copy| label(copy) == label(copies[0])) {
            continue;
        }
        let mean = |class: usize| {
            copies.iter().map(|&copy| judged.row(copy)[class]).sum::<f64>() / copies.len() as f64
        };
        let means: Vec<f64> = (0..judged.classes()).map(mean).collect();
        let likeliest = most_probable(&means);
        let describe = |&copy: &usize| Copy {
            path: judged.photos[copy].path.into(),
            label: judged.class_names[label(copy)].clone(),
        };
        found.push(Contradiction {
            kind: group.kind,
            likeliest: judged.class_names[likeliest].clone(),
            probability: means[likeliest],
            copies: copies.iter().map(describe).collect(),
        });
    }
    found.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    found
}
