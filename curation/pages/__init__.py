"""What all pages share: the style sheet, the security policy and the template environment."""

from curation.pages.environment import STYLE, environment, policy

__all__ = ["STYLE", "environment", "policy"]
