"""Writes a tiny Llama with random weights, and a tokenizer for it, into argv[1]."""

import sys

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

folder = sys.argv[1]
tokens = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}

bytes_ = Tokenizer(models.BPE())
bytes_.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
bytes_.decoder = decoders.ByteLevel()
bytes_.train_from_iterator(
    ["two nodes serve one tiny model", "hello world"],
    trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=list(tokens.values()),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    ),
)
tokenizer = PreTrainedTokenizerFast(tokenizer_object=bytes_, **tokens)
tokenizer.save_pretrained(folder)

# Two heads and two layers, so that it can be split over two nodes either way.
torch.manual_seed(0)
LlamaForCausalLM(
    LlamaConfig(
        vocab_size=512,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=256,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=2,
    )
).save_pretrained(folder)
