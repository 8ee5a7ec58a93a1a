//! Resolves the settings of a run: the published recipe, under those of `--config`, under flags.

use std::io::ErrorKind;
use std::path::Path;

use kennel_core::{CoreError, PartialSettings, RunRecord, Settings, SettingsError, Weights, files};
use kennel_models::architecture;

use crate::failure::Failure;
use crate::hints::worded;
use crate::nearby::hint_nearby;
use crate::session::Session;
use crate::{data, network};

/// Reads the settings in a file, or those of a run.
pub fn read_settings(path: &Path) -> Result<PartialSettings, Failure> {
    let of_run = path.join(RunRecord::FILE_NAME);
    let path = if of_run.is_file() { &of_run } else { path };
    if !path.exists() {
        let hint = hint_nearby(path).unwrap_or_else(|| {
            "\nhint: a run's own lies in it as config.toml; `kennel train --model NAME --dry-run > \
             mine.toml` writes one to change"
                .into()
        });
        return Err(Failure::Failed(format!("there is no {}{hint}", path.display())));
    }
    if path.is_dir() {
        let text = format!(
            "{} is a folder without a config.toml\nhint: give a run, or a TOML file",
            path.display()
        );
        return Err(Failure::Failed(text));
    }
    let text = files::read_text(path).map_err(|error| match error {
        CoreError::Io { ref source, .. } if source.kind() == ErrorKind::InvalidData => Failure::Failed(format!(
            "{error}\nhint: save it as UTF-8; in Windows PowerShell `kennel train ... --dry-run | \
             Out-File -Encoding utf8 mine.toml` writes so"
        )),
        error => error.into(),
    })?;
    PartialSettings::parse(&text)
        .map_err(|error| Failure::Usage(format!("{}: {}", path.display(), worded(&error))))
}

/// Lays `asked` over the published recipe. Fetches the weights if they are not on this machine.
pub fn resolve(asked: PartialSettings, session: &Session) -> Result<Settings, Failure> {
    let architecture = architecture(asked.model.as_deref().ok_or(SettingsError::NoModel)?)?;
    let usual = architecture.default_tag();
    let weights = asked.weights.clone().unwrap_or_else(|| usual.name().into());
    let Weights::Pretrained(name) = &weights else {
        let asked = asked.or_test_crop(usual.test_crop_pct);
        return Ok(asked.complete(weights, usual.preprocessing.clone())?);
    };
    let source = network::weights(architecture, Some(name), session, || {
        let trial = asked.clone().complete(weights.clone(), usual.preprocessing.clone())?;
        // A usage error would end a study; this way only one experiment fails.
        trial.check().map_err(|error| Failure::Failed(error.to_string()))?;
        asked
            .data_dir
            .as_deref()
            .map_or(Ok(()), |photos| data::open(Path::new(photos), session).map(drop))
    })?;
    if let Some(note) = source.note {
        session.note_once(&note);
    }
    if let Some(run) = &source.fine_tuned_in {
        session.note_once(&format!(
            "{name} was fine-tuned in the run {run}: on photos that it learned from, or was chosen \
             by, it looks better than it is"
        ));
    }
    detail!(session, "weights    {} in {}", source.name, source.file.display());
    let asked = asked.or_test_crop(source.test_crop_pct);
    Ok(asked.complete(source.name.into(), source.preprocessing)?)
}

#[cfg(test)]
mod tests {
    use kennel_core::Strategy;

    use super::*;

    #[test]
    fn every_recipe_is_the_published_one() {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../recipes"));
        for model in ["resnet50", "efficientnet_b0"] {
            for strategy in Strategy::PUBLISHED {
                let file = read_settings(&folder.join(format!("{model}-{strategy}.toml"))).unwrap();
                let tag = architecture(model).unwrap().default_tag();
                assert_eq!(file.weights, Some(tag.name().into()));
                // The weights are not on this machine; their name determines the preprocessing.
                let without_weights = PartialSettings {
                    weights: Some(Weights::Random),
                    ..PartialSettings::default()
                };
                let found = resolve(file.layered(without_weights), &Session::default()).unwrap();
                let published = Settings::published(
                    model.into(),
                    Weights::Random,
                    strategy,
                    tag.preprocessing.clone(),
                );
                assert_eq!(found, published, "{model} {strategy}");
            }
        }
    }

    #[test]
    fn an_error_in_settings_says_what_to_type() {
        let hint = |text: &str| {
            let settings = PartialSettings::parse(&format!(
                "model = \"resnet18\"\nweights = \"none\"\n{text}"
            ));
            let error =
                settings.map_err(Failure::from).and_then(|file| resolve(file, &Session::default()));
            error.unwrap_err().message().unwrap().to_string()
        };
        for (text, wanted) in [
            ("optimizer = \"adamw\"", "--set optimizer.name=adamw"),
            (
                "optimizer.momentum = 0.5",
                "leave `momentum` out, or choose another with --optimizer",
            ),
            ("class_weights = \"balancd\"", "did you mean `balanced`"),
            ("flip = 1", "did you mean `augmentation.flip`"),
            ("strategy = \"zero_shot\"", "`kennel evaluate --zero-shot`"),
        ] {
            let said = hint(text);
            assert!(said.contains(wanted), "{said}");
        }
    }
}
