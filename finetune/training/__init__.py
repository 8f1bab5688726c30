"""The trainer: what TRL's SFTTrainer is told, and what is made safe around it."""
