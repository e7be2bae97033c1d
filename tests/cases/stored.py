"""Which shape of OpenAI's description an answer about stored things has."""
import re

SHAPES = (
    ("DELETE", r"/responses/[^/]+$", None),
    (None, r"/responses/compact$", "CompactResource"),
    (None, r"/responses/[^/]+$", "Response"),
    (None, r"/responses/[^/]+/input_items$", "ResponseItemList"),
    ("DELETE", r"/conversations/[^/]+$", "DeletedConversationResource"),
    (None, r"/conversations(/[^/]+)?$", "ConversationResource"),
    (None, r"/conversations/[^/]+/items$", "ConversationItemList"),
    ("DELETE", r"/conversations/[^/]+/items/[^/]+$", "ConversationResource"),
    (None, r"/conversations/[^/]+/items/[^/]+$", "ConversationItem"),
)


def shape(method, path):
    """(True, name of the schema or None: it has none), or (False, None)."""
    for only, pattern, name in SHAPES:
        if only in (None, method) and re.search(pattern, path):
            return True, name
    return False, None
