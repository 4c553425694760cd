"""Messages as hospital systems send them."""

ORM = (
    "MSH|^~\\&|RIS|HOSP|PNEUMOSCOPE|RAD|20261122083000||ORM^O01|MSG1|P|2.3.1||||||UNICODE UTF-8\r"
    "PID|1||4711^^^HOSP&2.16.840.1.113883.19.5&ISO^MR~999^^^NAT^NI||"
    "Müller^Åsa^Zoë^Jr.^Dr.^^L^A||19570301|F\r"
    "PV1|1|E\r"
    "ORC|NW|ORD-1|FIL-1||SC||1^^^202611220900^^R\r"
    "OBR|1|ORD-1|FIL-1|71046^Chest PA \\T\\ lateral^C4|||||||||cough \\E\\ fever|||||ACC-1|RP-1|"
    "SPS-1||||DX|||1^^^^^S||||786.2^Cough^I9~780.6^Fever^I9|||||202611220905\r"
    "DG1|1||J18.9^Pneumonia, unspecified^I10\r"
    "ZDS|1.2.3.4^100^Application^DICOM\r"
)
OMI = (
    "MSH|^~\\&|RIS|HOSP|PNEUMOSCOPE|RAD|20261122083000||OMI^O23^OMI_O23|MSG2|P|2.5.1\r"
    "PID|1||4711||Doe^Jane||1957|F\r"
    "ORC|NW|ORD-1|FIL-1\rTQ1|1\rOBR|1|ORD-1|FIL-1|CXR^Chest^L\r"
    "IPC|ACC-1|RP-1|1.2.3.4|SPS-1|DX\r"
    "ORC|CA|ORD-2\rOBR|1|ORD-2||CXR2^Chest 2^L\rIPC|ACC-2|RP-2|1.2.3.5|SPS-2|CR\r"
)
A08 = (
    "MSH|^~\\&|ADT|HOSP|PNEUMOSCOPE|RAD|20261122083000||ADT^A08^ADT_A01|MSG3|P|2.5.1\r"
    "EVN|A08|20261122\r"
    'PID|1||4711^^^HOSP^PI||Doe^Jane^""||""|M\r'
)
A40 = (
    "MSH|^~\\&|ADT|HOSP|PNEUMOSCOPE|RAD|20261122083000||ADT^A40^ADT_A39|MSG4|P|2.5.1\r"
    "EVN|A40|20261122\r"
    "PID|1||4711^^^HOSP^MR||Doe^Jane\rMRG|4712^^^HOSP~4713^^^HOSP\r"
    "PID|2||5711^^^HOSP^MR||Roe^Jane\rMRG|5712^^^HOSP\r"
)
ALL = {"ORM": ORM, "OMI": OMI, "A08": A08, "A40": A40}
