//! Checks of what computes: devices for networks, runtimes for exported files.

use kennel_core::Hint;
use kennel_infer::{Compute, DeviceChoice, GpuKind};
use kennel_onnx::{OnnxError, RuntimeKind};

use super::found::Found;
use crate::hints::words;

/// Describes a device and how it computes.
pub fn compute(compute: &Compute) -> String {
    match compute.name.as_str() {
        "cpu" => {
            let (set, threads) = (kennel_infer::instruction_set(), kennel_infer::threads());
            format!("on cpu with {set} kernels on {threads} threads")
        }
        name => format!("on {name} through Burn"),
    }
}

pub fn devices() -> Found {
    let compiled_in: Vec<GpuKind> =
        GpuKind::ALL.into_iter().filter(|kind| kind.is_compiled_in()).collect();
    if compiled_in.is_empty() {
        let known = GpuKind::ALL.map(GpuKind::as_str).join(", ");
        return Found::ok("cpu; this binary is built for no GPU")
            .hint(format!("for one, build with `--features kennel/NAME`, one of {known}"));
    }
    let (mut answers, mut silent) = (vec!["cpu".to_string()], Vec::new());
    for kind in compiled_in {
        match DeviceChoice::Gpu(kind, 0).open() {
            Ok(compute) => answers.push(compute.name),
            Err(error) => silent.push(first_line(&error.to_string())),
        }
    }
    let text = format!("{} answer", answers.join(", "));
    match silent.is_empty() {
        true => Found::ok(text),
        false => Found::problem(format!("{text}; {}", silent.join("; ")))
            .hint("check the GPU's driver; --device cpu does without"),
    }
}

pub fn onnx_runtime() -> Found {
    const VARIABLE: &str = "ORT_DYLIB_PATH";
    let given = std::env::var_os(VARIABLE).filter(|path| !path.is_empty());
    let place = match &given {
        Some(path) => format!("{VARIABLE} is {}", path.to_string_lossy()),
        None => format!("{VARIABLE} is not set"),
    };
    match RuntimeKind::OnnxRuntime.version() {
        Ok(version) => Found::ok(format!("{version}; {place}")),
        Err(OnnxError::NoRuntime { reason, variable, .. }) => {
            let hint = words(&Hint::InstallRuntime { variable });
            let text = format!("{place}, and it does not load: {}", first_line(&reason));
            match given {
                Some(_) => Found::problem(text).hint(hint),
                // rten runs exported files; ONNX Runtime is only a second opinion.
                None => {
                    Found::none(format!("{place}, and the system has no such library")).hint(hint)
                }
            }
        }
        Err(error) => Found::problem(format!("{place}: {}", first_line(&error.to_string()))),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().into()
}
