//! The architectures of the zoo and their pretrained weights.

use std::sync::LazyLock;

use kennel_core::{Interpolation, Preprocessing, did_you_mean};

use crate::{Architecture, ModelError, Result, convnext, efficientnet, regnet, resnet, vit};

/// The families: each one's architectures, from small to large.
const FAMILIES: &[fn() -> Vec<Architecture>] = &[
    resnet::zoo::architectures,
    regnet::zoo::architectures,
    efficientnet::zoo::architectures,
    convnext::zoo::architectures,
    vit::zoo::architectures,
];

/// Pretrained weights with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct PretrainedTag {
    /// Name of the architecture.
    pub architecture: String,
    /// Training recipe and data: `a1_in1k`.
    pub tag: String,
    /// Preprocessing of photos for these weights.
    pub preprocessing: Preprocessing,
    /// Crop share with which the weights are tested at a larger side, if timm states one.
    pub test_crop_pct: Option<f64>,
    /// Licence of the weights, as timm states it.
    pub licence: String,
    /// Whether they have a classifier of ImageNet's 1000 classes.
    pub has_head: bool,
    /// Whether the architecture's name alone means these weights.
    pub is_default: bool,
}

impl PretrainedTag {
    /// `arch.tag`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.architecture, self.tag)
    }
}

impl Architecture {
    /// Returns its pretrained weights, the default first.
    pub fn tags(&self) -> impl Iterator<Item = &'static PretrainedTag> {
        TAGS.iter().filter(move |tag| tag.architecture == self.name)
    }

    /// Returns its default weights, as in timm 1.0.
    pub fn default_tag(&self) -> &'static PretrainedTag {
        self.tags().find(|tag| tag.is_default).expect("every architecture has default weights")
    }
}

/// Returns all architectures, family by family, from small to large; miniatures last.
pub fn architectures() -> &'static [Architecture] {
    &ARCHITECTURES
}

/// Returns an architecture by timm's name.
///
/// # Errors
///
/// [`ModelError::UnknownModel`], with the nearest name.
pub fn architecture(name: &str) -> Result<&'static Architecture> {
    ARCHITECTURES.iter().find(|architecture| architecture.name == name).ok_or_else(|| {
        ModelError::UnknownModel {
            name: name.into(),
            nearest: did_you_mean(name, ARCHITECTURES.iter().map(|architecture| architecture.name))
                .map(String::from),
        }
    })
}

static ARCHITECTURES: LazyLock<Vec<Architecture>> = LazyLock::new(|| {
    let mut all: Vec<Architecture> = FAMILIES.iter().flat_map(|family| family()).collect();
    all.sort_by_key(|architecture| architecture.is_miniature);
    all
});

/// The table that `tools/zoo_table.py` generates from timm's own configurations.
static TAGS: LazyLock<Vec<PretrainedTag>> = LazyLock::new(|| {
    let mut tags: Vec<PretrainedTag> = include_str!("pretrained_tags.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .skip(1)
        .map(|line| parse_tag(line).unwrap_or_else(|| panic!("pretrained_tags.tsv: {line}")))
        .collect();
    tags.sort_by_key(|tag| !tag.is_default);
    for line in include_str!("test_crops.tsv").lines().skip(1) {
        let (name, crop_pct) = line.split_once('\t').expect("two fields");
        for tag in tags.iter_mut().filter(|tag| tag.name() == name) {
            tag.test_crop_pct = Some(crop_pct.parse().expect("a number"));
        }
    }
    tags
});

fn parse_tag(line: &str) -> Option<PretrainedTag> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [
        architecture,
        tag,
        side_px,
        crop_pct,
        crop_mode,
        interpolation,
        mean,
        std,
        licence,
        classes,
        is_default,
    ] = fields[..]
    else {
        return None;
    };
    let triple = |text: &str| -> Option<[f32; 3]> {
        let values: Vec<f32> =
            text.split(',').map(|value| value.trim().parse().ok()).collect::<Option<_>>()?;
        values.try_into().ok()
    };
    Some(PretrainedTag {
        architecture: architecture.into(),
        tag: tag.into(),
        preprocessing: Preprocessing {
            side_px: side_px.parse().ok()?,
            crop_pct: crop_pct.parse().ok()?,
            crop_mode: crop_mode.parse().ok()?,
            interpolation: match interpolation {
                "bicubic" => Interpolation::Bicubic,
                "bilinear" => Interpolation::Bilinear,
                _ => return None,
            },
            mean: triple(mean)?,
            std: triple(std)?,
        },
        test_crop_pct: None,
        licence: licence.into(),
        has_head: match classes {
            "0" => false,
            "1000" => true,
            _ => return None,
        },
        is_default: is_default == "yes",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_crop_is_of_a_tag() {
        let crop = |name: &str| TAGS.iter().find(|tag| tag.name() == name)?.test_crop_pct;
        assert_eq!(crop("resnet50.a1_in1k"), Some(1.0));
        for line in include_str!("test_crops.tsv").lines().skip(1) {
            let name = line.split('\t').next().unwrap();
            assert!(crop(name).is_some_and(|crop_pct| (0.1..=1.0).contains(&crop_pct)), "{name}");
        }
    }
}
