//! Vectors as an emulation makes them: out of a hash of the text. The same text has the same vector,
//! of length 1; of what texts mean, their vectors know nothing.
use sha2::{Digest as _, Sha256};

/// The vector of a text, with so many numbers.
pub(crate) fn vector(model: &str, text: &str, dimensions: usize) -> Vec<f32> {
    let block = |number: usize| {
        let mut hash = Sha256::new();
        hash.update(model.len().to_le_bytes());
        hash.update(model);
        hash.update(number.to_le_bytes());
        hash.update(text);
        hash.finalize()
    };
    let mut numbers: Vec<f32> = Vec::with_capacity(dimensions);
    for number in 0..dimensions.div_ceil(Sha256::output_size() / 2) {
        let pairs = block(number);
        let pairs = pairs.chunks_exact(2);
        numbers.extend(pairs.map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]]))));
    }
    numbers.truncate(dimensions);
    let length = numbers.iter().map(|number| number * number).sum::<f32>().sqrt();
    if length > 0.0 {
        for number in &mut numbers {
            *number /= length;
        }
    }
    numbers
}

/// The same numbers, to be written with no more digits than they need.
pub(crate) fn written(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().map(|number| number.to_string().parse().unwrap_or_default()).collect()
}

/// How many tokens a text is: one for each word, and never none.
pub(crate) fn tokens(text: &str) -> u64 {
    text.split_whitespace().count().max(1) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_vector_of_length_one_in_each_model() {
        let one = vector("m", "hello", 100);
        assert_eq!((one.len(), vector("m", "hello", 100)), (100, one.clone()));
        for other in [vector("m", "hellp", 100), vector("n", "hello", 100)] {
            assert_ne!(one, other);
        }
        let length: f32 = one.iter().map(|number| number * number).sum();
        assert!((length - 1.0).abs() < 1e-5, "{length}");
        assert_eq!(vector("m", "hello", 1).len(), 1);
    }
}
