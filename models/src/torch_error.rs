//! Errors of libtorch, each as one sentence.
//!
//! The idea: **the first line is the message.** What libtorch's C++ adds below it is a stack trace of its own code,
//! which means nothing to whoever reads an error.

use std::error::Error;

use tch::TchError;

/// What `error` says, without the stack trace, after `libtorch: `.
#[must_use]
pub fn sentence(error: &TchError) -> String {
    let text = error.to_string();
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no message");
    format!("libtorch: {}", line.strip_prefix(INTERNAL).unwrap_or(line).trim_end_matches('.'))
}

/// What `error` and each of its causes say, from the outermost in, one sentence after the other; those of libtorch as
/// [`sentence`] has them. A cause that the one before it already quotes is not repeated.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let text = cause.downcast_ref::<TchError>().map_or_else(|| cause.to_string(), sentence);
        if said.last().is_none_or(|last| !last.ends_with(&text)) {
            said.push(text);
        }
        next = cause.source();
    }
    said.join(": ")
}

/// What tch puts before the message of libtorch itself.
const INTERNAL: &str = "Internal torch error: ";

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::*;
    use crate::net::NetError;
    use crate::package::Problem;

    fn refused() -> TchError {
        let zeros = |side| Tensor::zeros([side, side], (Kind::Float, Device::Cpu));
        zeros(2).f_matmul(&zeros(3)).expect_err("shapes that do not fit")
    }

    #[test]
    fn is_the_message_and_no_stack_trace_whoever_says_it() {
        assert!(refused().to_string().lines().count() > 1, "libtorch adds a stack trace");
        let said = sentence(&refused());
        assert_eq!(said, "libtorch: mat1 and mat2 shapes cannot be multiplied (2x2 and 3x3)");
        assert_eq!(NetError::from(refused()).to_string(), said);
        let problem = Problem::from(NetError::from(refused()));
        assert_eq!(problem.to_string(), format!("[network] {said}"));
        assert_eq!(chain(&problem), problem.to_string(), "its causes are in it already");
        assert_eq!(chain(&Problem::from(refused())), said);
        assert_eq!(chain(&refused()), said);
    }
}
