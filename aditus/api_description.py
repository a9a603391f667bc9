"""How the API describes itself: the schema at /api/schema/ and the page over it."""

SPECTACULAR = {
    "TITLE": "Aditus API",
    "DESCRIPTION": "Extract job postings, draft CVs and cover letters, and run the AI providers behind them.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    # What stands behind it groups the operations and begins their names.
    "SCHEMA_PATH_PREFIX": "/api/v1",
    # Serializers have fields of the same name, as `kind`; the schema names their values apart.
    "ENUM_NAME_OVERRIDES": {
        "AlertState": "usage.models.alerts.AlertState",
        "DraftKind": "drafting.models.Kind",
        "PersonalTokenState": "accounts.models.personal_tokens.STATES",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "aditus.envelope.wrap_schema_responses",
        "orchestration.door.description.add_door",
    ],
}
