from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "pneumoscope.web.gateway"
    label = "gateway"

    def ready(self) -> None:
        from pneumoscope.web.gateway.held import arrival_needs_file
        from pneumoscope.web.studies.bulk import file_unused

        file_unused.connect(arrival_needs_file)
