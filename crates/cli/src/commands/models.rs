//! `kennel models`.

use clap::Args;
use kennel_models::{PretrainedTag, architecture, architectures};
use serde::Serialize;

use crate::failure::CommandResult;
use crate::output::{Format, Stream, columns_that_fit, print, print_json};

const EXAMPLE: &str = "\
Examples:
  kennel models
  kennel models --model resnet50        every set of pretrained weights of one architecture
  kennel models --format json";

/// Which networks are listed.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub struct ModelsArgs {
    /// Only this architecture, with all its pretrained weights
    #[arg(long)]
    model: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Pretrained weights in the JSON output.
#[derive(Serialize)]
struct Row {
    group: &'static str,
    good_for: &'static str,
    model: &'static str,
    weights: String,
    is_default: bool,
    parameters: u64,
    /// Two per multiply-accumulate, for one photo at the side of these weights.
    flops: u64,
    side_px: u32,
    crop_pct: f64,
    #[serde(skip_serializing_if = "kennel_core::CropMode::is_center")]
    crop_mode: kennel_core::CropMode,
    interpolation: kennel_core::Interpolation,
    licence: String,
    /// Whether they have a classifier of ImageNet's classes.
    #[serde(skip_serializing_if = "is_true")]
    has_head: bool,
}

fn is_true(value: &bool) -> bool {
    *value
}

/// Lists the architectures and their weights.
pub fn run(args: ModelsArgs) -> CommandResult {
    let chosen = match &args.model {
        Some(name) => vec![architecture(name)?],
        None => architectures().iter().collect(),
    };
    let all_tags = args.model.is_some() || args.format == Format::Json;
    let mut rows = Vec::new();
    for architecture in chosen {
        let side = f64::from(architecture.side_px);
        let tags: Vec<&PretrainedTag> =
            architecture.tags().filter(|tag| all_tags || tag.is_default).collect();
        rows.extend(tags.into_iter().map(|tag| Row {
            group: architecture.group,
            good_for: architecture.good_for,
            model: architecture.name,
            weights: tag.name(),
            is_default: tag.is_default,
            parameters: architecture.parameters,
            // Convolutions scale with the area; the rest is far below the digits shown.
            flops: (2.0
                * architecture.macs as f64
                * (f64::from(tag.preprocessing.side_px) / side).powi(2)) as u64,
            side_px: tag.preprocessing.side_px,
            crop_pct: tag.preprocessing.crop_pct,
            crop_mode: tag.preprocessing.crop_mode,
            interpolation: tag.preprocessing.interpolation,
            licence: tag.licence.clone(),
            has_head: tag.has_head,
        }));
    }
    if args.format == Format::Json {
        return print_json(&rows);
    }
    let header =
        ["model", "weights", "parameters", "GFLOP", "input", "licence of the weights", "good for"];
    let cells: Vec<_> = rows
        .iter()
        .map(|row| {
            [
                row.model.to_string(),
                row.weights.clone(),
                format!("{:.1} M", row.parameters as f64 / 1e6),
                format!("{:.2}", row.flops as f64 / 1e9),
                format!("{} px", row.side_px),
                marked(&row.licence),
                row.good_for.to_string(),
            ]
        })
        .collect();
    let mut text = columns_that_fit(Stream::Out, header, &cells, &[2, 3, 4], &[5, 4, 6, 3]);
    text = by_group(&text, &rows);
    let headless: Vec<&str> =
        rows.iter().filter(|row| !row.has_head).map(|row| row.weights.as_str()).collect();
    if !headless.is_empty() {
        text += &format!("\nWithout a classifier, to be trained: {}\n", headless.join(", "));
    }
    if !all_tags {
        text +=
            "\nEach with timm's default weights; `kennel models --model NAME` lists the others.\n";
    }
    print(&text)
}

/// Marks licences that forbid commercial use.
fn marked(licence: &str) -> String {
    if licence.split('-').any(|word| matches!(word, "nc" | "noncommercial")) {
        format!("{licence} (not commercial)")
    } else {
        licence.to_string()
    }
}

/// Puts an empty line between the groups of a table with one line for each row after its header.
fn by_group(table: &str, rows: &[Row]) -> String {
    let mut text = String::new();
    for (index, line) in table.lines().enumerate() {
        if index >= 2 && rows[index - 1].group != rows[index - 2].group {
            text.push('\n');
        }
        text.push_str(line);
        text.push('\n');
    }
    text
}
